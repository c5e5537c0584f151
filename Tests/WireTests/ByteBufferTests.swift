import Testing
import Wire

@Suite("Byte buffer")
struct ByteBufferTests {
    @Test("appends keep their order through growth")
    func appendsInOrder() {
        var buffer = ByteBuffer()
        var expected: [UInt8] = []
        for value in 0..<2_000 {
            buffer.append(UInt8(truncatingIfNeeded: value))
            expected.append(UInt8(truncatingIfNeeded: value))
        }
        buffer.append("end")
        buffer.append(utf8: "é")
        let appended = Array(buffer.bytes)
        #expect(appended == expected + Array("endé".utf8))
    }

    @Test("decimals", arguments: [0, 9, 10, 1_763_881_234_567, UInt64.max])
    func decimals(value: UInt64) {
        var buffer = ByteBuffer()
        buffer.append(decimal: value)
        let text = String(decoding: buffer.bytes, as: UTF8.self)
        #expect(text == String(value))
    }

    @Test("forgetting keeps the memory")
    func removeAllKeepsCapacity() {
        var buffer = ByteBuffer(capacity: 1_000)
        buffer.append([1, 2, 3])
        let capacity = buffer.capacity
        buffer.removeAll()
        let (isEmpty, capacityAfter) = (buffer.isEmpty, buffer.capacity)
        #expect(isEmpty)
        #expect(capacityAfter == capacity)
    }

    @Test("filling zero bytes of a fresh buffer does nothing")
    func fillsNothing() {
        var buffer = ByteBuffer()
        buffer.append(count: 0) { _ in }
        let count = buffer.count
        #expect(count == 0)
    }
}

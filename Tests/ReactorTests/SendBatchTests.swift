import CReactor
import Testing

@testable import Reactor

@Suite("Send batch")
struct SendBatchTests {
    /// The outcome of each send, by its token, in the order in which they were told.
    private func submit(_ batch: inout SendBatch) -> [(token: UInt32, byteCount: Int, outcome: Socket.Transfer)] {
        var told: [(UInt32, Int, Socket.Transfer)] = []
        batch.submit { told.append(($0.number, $1, $2)) }
        return told
    }

    @Test("io_uring is tried only when it is asked for")
    func choice() {
        let batch = SendBatch(usesRing: false)
        #expect(batch.isBatching == false)
    }

    @Test("each socket gets its bytes, and outcomes come in order", arguments: [true, false])
    func sends(usesRing: Bool) throws {
        var batch = SendBatch(usesRing: usesRing)
        let pairs = try (0..<SendBatch.capacity).map { _ in try SocketPair() }
        let texts = pairs.indices.map { Array("number \($0)".utf8) }
        // Twice, for the second batch reuses what the first left; and one alone, which takes another way.
        for count in [pairs.count, pairs.count, 1, 2] {
            for index in 0..<count {
                texts[index].withUnsafeBytes {
                    batch.add(pairs[index].near, $0, token: SendBatch.Token(number: UInt32(index)))
                }
            }
            #expect(batch.isFull == (count == SendBatch.capacity))
            let told = submit(&batch)
            #expect(told.map(\.token) == (0..<UInt32(count)).map { $0 })
            for (index, each) in told.enumerated() {
                #expect(each.byteCount == texts[index].count)
                #expect(each.outcome == .moved(texts[index].count))
                // It is there at once on loopback, but the system does not promise that.
                let isHeard = eventually { pairs[index].far.receiveText().text == "number \(index)" }
                #expect(isHeard)
            }
        }
        #expect(submit(&batch).isEmpty)
    }

    @Test("a full socket takes a part or nothing, and nobody waits for it", arguments: [true, false])
    func full(usesRing: Bool) throws {
        var batch = SendBatch(usesRing: usesRing)
        let full = try SocketPair()
        let other = try SocketPair()
        full.near.limitSendBuffer(to: 4_096)
        let many = [UInt8](repeating: 7, count: 8 << 20)
        var outcomes: [Socket.Transfer] = []
        var heardCount = 0
        // Until what was sent has made its way there may be room again.
        let isFull = eventually {
            many.withUnsafeBytes { bytes in
                batch.add(full.near, bytes, token: 0)
                batch.add(other.near, UnsafeRawBufferPointer(rebasing: bytes[..<1]), token: 1)
                let told = submit(&batch)
                outcomes.append(told[0].outcome)
                #expect(told[1].outcome == .moved(1))
            }
            heardCount += other.far.receiveText().text.utf8.count
            return outcomes.count >= 10 && outcomes.last == .wouldBlock
        }
        #expect(isFull)
        guard case .moved(let first) = outcomes[0] else {
            Issue.record("the first send moved nothing: \(outcomes[0])")
            return
        }
        #expect(first < many.count)
        let isHeard = eventually {
            heardCount += other.far.receiveText().text.utf8.count
            return heardCount >= outcomes.count
        }
        #expect(isHeard && heardCount == outcomes.count)
    }

    @Test("a broken connection fails alone", arguments: [true, false])
    func broken(usesRing: Bool) throws {
        var batch = SendBatch(usesRing: usesRing)
        let pairs = try (0..<3).map { _ in try SocketPair() }
        pairs[1].far.makeCloseAbortive()
        pairs[1].closeFar()
        let text = Array("x".utf8)
        // The reset reaches us at once on loopback, but the system does not promise that.
        let isBroken = eventually {
            text.withUnsafeBytes { bytes in
                for (index, pair) in pairs.enumerated() {
                    batch.add(pair.near, bytes, token: SendBatch.Token(number: UInt32(index)))
                }
            }
            let told = submit(&batch)
            #expect(told[0].outcome == .moved(1))
            #expect(told[2].outcome == .moved(1))
            if case .failed = told[1].outcome { return true }
            return false
        }
        #expect(isBroken)
    }
}

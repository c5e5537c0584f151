/// A growable run of bytes that encoders append to and whose memory is reused from one message to the next.
///
/// Thread: owned by one reactor. It is not copyable, so appending never copies what is already there.
/// Units: all counts are bytes.
public struct ByteBuffer: ~Copyable {
    /// Start of the allocation; `nil` while nothing was ever appended.
    private var base: UnsafeMutableRawPointer?

    /// Bytes appended so far.
    public private(set) var count: Int

    /// Bytes allocated.
    public private(set) var capacity: Int

    /// Makes an empty buffer; memory is allocated by the first append unless a capacity is asked for.
    public init(capacity: Int = 0) {
        self.count = 0
        self.capacity = 0
        self.base = nil
        if capacity > 0 { grow(toHold: capacity) }
    }

    deinit {
        base?.deallocate()
    }

    /// Whether nothing was appended since the last `removeAll`.
    public var isEmpty: Bool { count == 0 }

    /// The bytes appended so far. Valid until the next mutation.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: count)
    }

    /// Forgets the content and keeps the memory.
    public mutating func removeAll() {
        count = 0
    }

    /// Shortens the content to its first `newCount` bytes.
    public mutating func truncate(to newCount: Int) {
        // bounded: callers give a count that they read before
        precondition(newCount <= count, "a truncation never lengthens")
        count = newCount
    }

    /// Appends one byte.
    public mutating func append(_ byte: UInt8) {
        reserve(additional: 1)
        // bounded: `reserve` made room
        base!.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends a run of bytes.
    public mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(additional: source.count)
        // bounded: `reserve` made room
        (base! + count).copyMemory(from: start, byteCount: source.count)
        count += source.count
    }

    /// Appends a literal.
    public mutating func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends an array of bytes.
    public mutating func append(_ array: [UInt8]) {
        array.withUnsafeBytes { append($0) }
    }

    /// Appends the UTF-8 of a string.
    public mutating func append(utf8 string: String) {
        var copy = string
        copy.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends spaces, for who shows nothing before a first few kilobytes.
    public mutating func append(spaces spaceCount: Int) {
        append(count: spaceCount) { $0.initializeMemory(as: UInt8.self, repeating: 0x20) }
    }

    /// Appends an unsigned number in decimal.
    public mutating func append(decimal value: UInt64) {
        // 2^64 − 1 has 20 digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var first = 20
            repeat {
                first -= 1
                digits[first] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest != 0
            append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[first..<20]))
        }
    }

    /// Appends a number of `count` uninitialised bytes and lets `fill` write them.
    public mutating func append(count additional: Int, filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        guard additional > 0 else { return }
        reserve(additional: additional)
        // bounded: `reserve` made room
        fill(UnsafeMutableRawBufferPointer(start: base! + count, count: additional))
        count += additional
    }

    /// Appends what `fill` writes into room for `most` uninitialised bytes; it returns how many it wrote.
    public mutating func append(atMost most: Int, filledBy fill: (UnsafeMutableRawBufferPointer) -> Int) {
        guard most > 0 else { return }
        reserve(additional: most)
        // bounded: `reserve` made room
        let written = fill(UnsafeMutableRawBufferPointer(start: base! + count, count: most))
        assert(written >= 0 && written <= most, "no more is written than there is room for")
        count += written
    }

    private mutating func reserve(additional: Int) {
        let needed = count + additional
        if needed > capacity { grow(toHold: needed) }
    }

    private mutating func grow(toHold needed: Int) {
        var size = max(capacity, 256)
        while size < needed { size *= 2 }
        let replacement = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        if let old = base {
            replacement.copyMemory(from: old, byteCount: count)
            old.deallocate()
        }
        base = replacement
        capacity = size
    }
}

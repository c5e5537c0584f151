/// Commands on their way to Redis, as RESP arrays of bulk strings.
///
/// Thread: owned by one link. The publish command is written here, straight into its place; hiredis' formatter, which
/// serves for all others, spends 8,000 instructions of `sprintf` and copying on it (callgrind), a fifth of a publish.
/// Source: the RESP specification, "Sending commands to a Redis server".
struct RedisCommandBuffer {
    /// The bytes that were written.
    private(set) var bytes: [UInt8] = []

    /// Begins a command of so many arguments, the name included.
    mutating func begin(argumentCount: Int) {
        append(UInt8(ascii: "*"), argumentCount)
    }

    mutating func append(word argument: StaticString) {
        append(bytes: UnsafeRawBufferPointer(start: argument.utf8Start, count: argument.utf8CodeUnitCount))
    }

    mutating func append(_ argument: RedisArgument) {
        argument.withBytes { append(bytes: $0) }
    }

    mutating func append(bytes argument: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "$"), argument.count)
        bytes.append(contentsOf: argument)
        endLine()
    }

    /// Appends a command that was formatted elsewhere.
    mutating func append(formatted command: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: command)
    }

    /// Forgets the commands; keeps the memory of a usual batch.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    }

    private mutating func append(_ type: UInt8, _ count: Int) {
        bytes.append(type)
        if count >= 10 { appendLeadingDigits(of: count / 10) }
        bytes.append(48 + UInt8(truncatingIfNeeded: count % 10))
        endLine()
    }

    private mutating func appendLeadingDigits(of count: Int) {
        if count >= 10 { appendLeadingDigits(of: count / 10) }
        bytes.append(48 + UInt8(truncatingIfNeeded: count % 10))
    }

    private mutating func endLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}

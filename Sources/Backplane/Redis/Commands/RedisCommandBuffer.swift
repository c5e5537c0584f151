internal import DequeModule

/// Commands on their way to Redis, as RESP arrays of bulk strings: a chain of blocks, each of which is freed once it is sent.
///
/// Thread: owned by one link. Nothing here is ever moved to make room: an array of 72 MB that grew while Redis was slow
/// stood the thread still for three seconds. A large argument is not copied either; its own memory is a link of the chain.
/// Source: the RESP specification, "Sending commands to a Redis server".
struct RedisCommandBuffer {
    /// Size of a block: what a socket takes at once.
    static let blockBytesMax = 65_536

    /// From here on an argument is sent from where it is: a system call costs less than to copy more.
    static let sharedBytesMin = 16_384

    /// Whole blocks, oldest first.
    private var blocks = Deque<[UInt8]>()

    /// The block that is written to.
    private var last: [UInt8] = []

    /// How much of the oldest block is sent.
    private var sentByteCount = 0

    /// Bytes that are not sent yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    // MARK: Writing

    /// Begins a command of so many arguments, the name included.
    mutating func begin(argumentCount: Int) {
        append(UInt8(ascii: "*"), argumentCount)
    }

    mutating func append(word argument: StaticString) {
        append(bytes: UnsafeRawBufferPointer(start: argument.utf8Start, count: argument.utf8CodeUnitCount))
    }

    mutating func append(_ argument: RedisArgument) {
        switch argument {
        case .text(var text): text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
        case .bytes(let bytes): append(shared: bytes)
        }
    }

    /// Appends one command.
    mutating func append(_ arguments: [RedisArgument]) {
        begin(argumentCount: arguments.count)
        for argument in arguments { append(argument) }
    }

    /// Appends a call of the function library about one key.
    mutating func append(call function: StaticString, _ key: String, _ arguments: [RedisArgument]) {
        append("FCALL", function, CollectionOfOne(key), arguments)
    }

    /// The same of a function that touches several keys; it is about the first.
    mutating func append(call function: StaticString, keys: [String], _ arguments: [RedisArgument]) {
        append("FCALL", function, keys, arguments)
    }

    /// The same of a function that writes nothing.
    mutating func append(ask function: StaticString, _ key: String, _ arguments: [RedisArgument]) {
        append("FCALL_RO", function, CollectionOfOne(key), arguments)
    }

    /// The same of several keys.
    mutating func append(ask function: StaticString, keys: [String], _ arguments: [RedisArgument]) {
        append("FCALL_RO", function, keys, arguments)
    }

    private mutating func append(
        _ word: StaticString,
        _ function: StaticString,
        _ keys: some Collection<String>,
        _ arguments: [RedisArgument]
    ) {
        begin(argumentCount: 3 + keys.count + arguments.count)
        append(word: word)
        append(word: function)
        append(.text(String(keys.count)))
        for key in keys { append(.text(key)) }
        for argument in arguments { append(argument) }
    }

    mutating func append(bytes argument: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "$"), argument.count)
        write(argument)
        endLine()
    }

    /// Appends an argument that others keep, too, and never change.
    mutating func append(shared argument: [UInt8]) {
        guard argument.count >= Self.sharedBytesMin else { return argument.withUnsafeBytes { append(bytes: $0) } }
        append(UInt8(ascii: "$"), argument.count)
        seal()
        blocks.append(argument)
        byteCount += argument.count
        endLine()
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if last.count >= Self.blockBytesMax { seal() }
            let piece = rest.prefix(Self.blockBytesMax - last.count)
            last.append(contentsOf: piece)
            rest = rest.dropFirst(piece.count)
        }
        byteCount += bytes.count
    }

    private mutating func seal() {
        guard !last.isEmpty else { return }
        blocks.append(last)
        last = []
    }

    private mutating func append(_ type: UInt8, _ count: Int) {
        last.append(type)
        let start = last.count
        var rest = count
        repeat {
            last.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        last[start...].reverse()
        byteCount += last.count - start + 1
        endLine()
    }

    private mutating func endLine() {
        last.append(UInt8(ascii: "\r"))
        last.append(UInt8(ascii: "\n"))
        byteCount += 2
    }

    // MARK: Sending

    /// Lends the oldest bytes that are not sent: one block, or what is left of it.
    func withOldest<Outcome>(_ body: (UnsafeRawBufferPointer) -> Outcome) -> Outcome {
        (blocks.first ?? last).withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.dropFirst(sentByteCount))) }
    }

    /// Forgets so many of the oldest bytes: they are sent.
    mutating func remove(_ count: Int) {
        byteCount -= count
        sentByteCount += count
        guard sentByteCount >= (blocks.first ?? last).count else { return }
        sentByteCount = 0
        // A usual batch is one block, whose memory the next one takes.
        if blocks.popFirst() == nil { last.removeAll(keepingCapacity: true) }
    }

    /// Forgets the commands.
    mutating func removeAll() { self = RedisCommandBuffer() }
}

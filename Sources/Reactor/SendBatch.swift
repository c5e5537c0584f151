internal import CReactor

/// Sends to many sockets, handed to the kernel together: one system call where io_uring is to be had, a loop of `send`
/// where it is not.
///
/// Thread: owned by one reactor; the ring behind it belongs to the thread that made it. What a batch is worth: no switch
/// of mode for each send, and no reader that is woken by the first takes the processor before the last is on its way.
/// Size: 64 entries are 4 KiB for the ring's submissions and 2 KiB here.
public struct SendBatch: ~Copyable {
    /// Sends of one batch, at most.
    public static let capacity = 64

    /// What a send is known by to who asked for it.
    public struct Token: Sendable {
        /// What its owner made of it.
        public let number: UInt32

        /// Makes a token from a number.
        @inlinable
        public init(number: UInt32) { self.number = number }
    }

    /// One send that was asked for. The bytes must stay where they are until `submit`.
    private struct Entry {
        let socket: Socket
        let bytes: UnsafeRawBufferPointer
        let token: Token
    }

    private var entries: [Entry] = []
    private var results = [Int32](repeating: 0, count: capacity)
    private var ring: OpaquePointer?

    /// Makes an empty batch.
    ///
    /// - Parameter usesRing: whether io_uring is tried; some who run a node forbid it.
    public init(usesRing: Bool) {
        entries.reserveCapacity(Self.capacity)
        var opened: OpaquePointer?
        let isOpen = usesRing && creactor_ring_open(UInt32(Self.capacity), &opened) == 0
        ring = isOpen ? opened : nil
    }

    deinit {
        if let ring { creactor_ring_close(ring) }
    }

    /// Whether sends share a system call.
    public var isBatching: Bool { ring != nil }

    /// Sends that were noted.
    public var count: Int { entries.count }

    /// Whether no more sends fit.
    public var isFull: Bool { entries.count == Self.capacity }

    /// Notes a send. Its token comes back with its outcome.
    public mutating func add(_ socket: Socket, _ bytes: UnsafeRawBufferPointer, token: Token) {
        // bounded: the caller submits what is full
        precondition(!isFull, "a batch that is full must be submitted")
        entries.append(Entry(socket: socket, bytes: bytes, token: token))
    }

    /// Makes the sends and hands over their outcomes, in the order in which they were noted.
    ///
    /// All are made before the first outcome is told: what the receiver of an outcome does can no longer change them.
    public mutating func submit(_ body: (_ token: Token, _ byteCount: Int, Socket.Transfer) -> Void) {
        makeSends()
        for place in entries.indices {
            let entry = entries[place]
            body(entry.token, entry.bytes.count, Socket.outcome(Int(results[place])))
        }
        entries.removeAll(keepingCapacity: true)
    }

    private mutating func makeSends() {
        // One alone is cheaper without the ring.
        guard let ring, entries.count > 1 else {
            for place in entries.indices {
                let entry = entries[place]
                results[place] = Int32(clamping: entry.socket.sendResult(entry.bytes))
            }
            return
        }
        for place in entries.indices {
            let (entry, bytes) = (entries[place], entries[place].bytes)
            // bounded: only runs of bytes are noted, and at most `capacity`
            creactor_ring_add_send(ring, entry.socket.descriptor, bytes.baseAddress!, bytes.count, UInt32(place))
        }
        // bounded: at most `capacity`
        let outcome = creactor_ring_submit(ring, UInt32(entries.count), &results)
        if outcome != 0 {
            // The kernel took an unknown part of them: no stream among them can be gone on with. What is left in the ring it must not be
            // given with a later batch, when these descriptors and bytes are something else.
            for place in entries.indices { results[place] = outcome }
            creactor_ring_close(ring)
            self.ring = nil
        }
    }
}

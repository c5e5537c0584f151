internal import Broker
internal import Wire

/// Gathers what is written to one client, so that it goes out in one piece.
///
/// Thread: owned by one reactor. It gathers for one client at a time.
struct Cork: ~Copyable {
    /// Whose writes are gathered.
    private(set) var slot: ClientSlot?

    private var gathered = ByteBuffer(capacity: 1_024)

    mutating func begin(_ slot: ClientSlot) {
        assert(self.slot == nil, "one client's writes are gathered at a time")
        self.slot = slot
    }

    /// Takes bytes that are written to a client, if they are gathered.
    mutating func take(_ bytes: UnsafeRawBufferPointer, for slot: ClientSlot) -> Bool {
        guard slot == self.slot else { return false }
        gathered.append(bytes)
        return true
    }

    /// Bytes gathered for a client.
    func count(for slot: ClientSlot) -> Int { slot == self.slot ? gathered.count : 0 }

    /// Ends gathering; what there is stays in `bytes` until it is dropped.
    mutating func end() { slot = nil }

    var bytes: UnsafeRawBufferPointer { gathered.bytes }

    mutating func drop() { gathered.removeAll() }
}

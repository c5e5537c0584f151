internal import Broker

/// What one client is sent together: runs of bytes, and where each comes from.
///
/// Thread: owned by one reactor; its memory is used again for the next client.
struct Gathering {
    /// Where a run of bytes comes from.
    enum Source {
        case outbox
        case subscription(SubscriptionSlot)
    }

    /// Parts of one gathering send: the kernel takes 1,024, and a slow client needs no more than this at once.
    static let partsMax = 64

    private(set) var parts: [UnsafeRawBufferPointer] = []
    private(set) var sources: [Source] = []

    var isEmpty: Bool { parts.isEmpty }
    var isFull: Bool { parts.count >= Self.partsMax }
    var byteCount: Int { parts.reduce(0) { $0 + $1.count } }

    mutating func removeAll() {
        parts.removeAll(keepingCapacity: true)
        sources.removeAll(keepingCapacity: true)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, from source: Source) {
        guard bytes.count > 0 else { return }
        parts.append(bytes)
        sources.append(source)
    }
}

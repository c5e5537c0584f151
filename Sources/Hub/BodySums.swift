internal import Broker
internal import Wire

/// What was compressed for each reader whose body is compressed as a whole, as far as its feed's own checksum does not say so.
///
/// Thread: owned by one reactor. Memory: 24 bytes for each such reader, in pages of 1,024 slots that are only there where one was.
struct BodySums: ~Copyable {
    private struct Sum {
        /// Of all that the reader was sent up to where it joined its feed.
        var value: UInt32
        /// The feed's own, there.
        var feedValue: UInt32
        var count: UInt64
        var feedCount: UInt64

        // Of which kind both are is not kept here: the client's encoding says it.

        func own(_ coding: ContentCoding) -> BodyChecksum { BodyChecksum(coding, value: value, count: count) }

        func feed(_ coding: ContentCoding) -> BodyChecksum {
            BodyChecksum(coding, value: feedValue, count: feedCount)
        }
    }

    private static let pageCapacity = 1_024

    /// Of a reader whose feed went on without it.
    private static let lostCount = UInt64.max

    private var pages: [UnsafeMutablePointer<Sum>?] = []

    init() {}

    deinit {
        for case let page? in pages { page.deallocate() }
    }

    /// A stream begins.
    mutating func begin(_ slot: ClientSlot, _ coding: ContentCoding) {
        // bounded: four bytes
        let page = Int(slot.number) / Self.pageCapacity
        while pages.count <= page { pages.append(nil) }
        if pages[page] == nil {
            let made = UnsafeMutablePointer<Sum>.allocate(capacity: Self.pageCapacity)
            made.initialize(
                repeating: Sum(value: 0, feedValue: 0, count: Self.lostCount, feedCount: 0),
                count: Self.pageCapacity
            )
            pages[page] = made
        }
        let none = BodyChecksum(coding).value
        sum(of: slot)?.pointee = Sum(value: none, feedValue: none, count: 0, feedCount: 0)
    }

    private func sum(of slot: ClientSlot) -> UnsafeMutablePointer<Sum>? {
        // bounded: four bytes
        let page = Int(slot.number) / Self.pageCapacity
        guard page < pages.count, let known = pages[page] else { return nil }
        // bounded: four bytes
        return known + Int(slot.number) % Self.pageCapacity
    }

    private func known(_ slot: ClientSlot) -> UnsafeMutablePointer<Sum>? {
        guard let sum = sum(of: slot), sum.pointee.count != Self.lostCount else { return nil }
        return sum
    }

    /// A reader joins a feed, and has all that it made so far.
    func enter(_ slot: ClientSlot, _ feed: BodyChecksum) {
        guard let sum = known(slot) else { return }
        sum.pointee.feedValue = feed.value
        sum.pointee.feedCount = feed.count
    }

    /// Takes in what a reader's feed made since it joined, all of which the reader has.
    func settle(_ slot: ClientSlot, _ feed: BodyChecksum) {
        guard let sum = known(slot) else { return }
        var own = sum.pointee.own(feed.coding)
        own.add(from: sum.pointee.feed(feed.coding), to: feed)
        sum.pointee = Sum(value: own.value, feedValue: feed.value, count: own.count, feedCount: feed.count)
    }

    /// A reader is sent bytes of its own, before anything that its feed made since it joined.
    func add(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot, _ coding: ContentCoding) {
        guard let sum = known(slot) else { return }
        var own = sum.pointee.own(coding)
        own.add(bytes)
        sum.pointee.value = own.value
        sum.pointee.count = own.count
    }

    /// What a reader was sent that has all of its feed; `nil` where it is not known.
    func total(of slot: ClientSlot, _ coding: ContentCoding) -> BodyChecksum? { known(slot)?.pointee.own(coding) }

    /// A reader lacks some of what its feed made, so that nobody knows what it has.
    func lose(_ slot: ClientSlot) { sum(of: slot)?.pointee.count = Self.lostCount }

    /// A reader is gone.
    func forget(_ slot: ClientSlot) { lose(slot) }
}

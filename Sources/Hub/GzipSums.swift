internal import Broker
internal import Wire

/// What was compressed for each reader of a gzip stream, as far as its feed's own checksum does not say so.
///
/// Thread: owned by one reactor. Memory: 24 bytes for each such reader, in pages of 1,024 slots that are only there where one was.
struct GzipSums: ~Copyable {
    private struct Sum {
        /// Of all that the reader was sent up to where it joined its feed.
        var crc: UInt32
        /// The feed's own, there.
        var feedCRC: UInt32
        var count: UInt64
        var feedCount: UInt64
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
    mutating func begin(_ slot: ClientSlot) {
        // bounded: four bytes
        let page = Int(slot.number) / Self.pageCapacity
        while pages.count <= page { pages.append(nil) }
        if pages[page] == nil {
            let made = UnsafeMutablePointer<Sum>.allocate(capacity: Self.pageCapacity)
            made.initialize(
                repeating: Sum(crc: 0, feedCRC: 0, count: Self.lostCount, feedCount: 0),
                count: Self.pageCapacity
            )
            pages[page] = made
        }
        sum(of: slot)?.pointee = Sum(crc: 0, feedCRC: 0, count: 0, feedCount: 0)
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
    func enter(_ slot: ClientSlot, _ feed: GzipChecksum) {
        guard let sum = known(slot) else { return }
        sum.pointee.feedCRC = feed.crc
        sum.pointee.feedCount = feed.count
    }

    /// Takes in what a reader's feed made since it joined, all of which the reader has.
    func settle(_ slot: ClientSlot, _ feed: GzipChecksum) {
        guard let sum = known(slot) else { return }
        var own = GzipChecksum(crc: sum.pointee.crc, count: sum.pointee.count)
        own.add(from: GzipChecksum(crc: sum.pointee.feedCRC, count: sum.pointee.feedCount), to: feed)
        sum.pointee = Sum(crc: own.crc, feedCRC: feed.crc, count: own.count, feedCount: feed.count)
    }

    /// A reader is sent bytes of its own, before anything that its feed made since it joined.
    func add(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot) {
        guard let sum = known(slot) else { return }
        var own = GzipChecksum(crc: sum.pointee.crc, count: sum.pointee.count)
        own.add(bytes)
        sum.pointee.crc = own.crc
        sum.pointee.count = own.count
    }

    /// What a reader was sent that has all of its feed; `nil` where it is not known.
    func total(of slot: ClientSlot) -> GzipChecksum? {
        known(slot).map { GzipChecksum(crc: $0.pointee.crc, count: $0.pointee.count) }
    }

    /// A reader lacks some of what its feed made, so that nobody knows what it has.
    func lose(_ slot: ClientSlot) { sum(of: slot)?.pointee.count = Self.lostCount }

    /// A reader is gone.
    func forget(_ slot: ClientSlot) { lose(slot) }
}

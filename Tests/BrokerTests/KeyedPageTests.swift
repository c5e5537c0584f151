import Testing

@testable import Broker

/// What a keyed channel remembers: pages without what was replaced.
@Suite("Pages of keyed channels")
struct KeyedPageTests {
    private func position(_ number: UInt64) -> Position { Position(milliseconds: number, sequence: 0) }

    private func publication(_ number: UInt64, behind previous: UInt64, _ key: String?) -> Publication {
        let payload = Payload(kind: .text, bytes: [UInt8(number)], key: key.flatMap { PublicationKey($0) })
        return Publication(position: position(number), previous: position(previous), payload: payload)
    }

    private func chain(_ page: HistoryPage) -> [[UInt64]] {
        page.publications.map { [$0.previous.milliseconds, $0.position.milliseconds] }
    }

    @Test("the publications follow each other without what was replaced, from where the reader stands")
    func chained() {
        let some = [publication(4, behind: 3, "a"), publication(7, behind: 6, "b"), publication(9, behind: 8, nil)]
        let page = HistoryPage(since: position(3), publications: some, head: position(9), floor: position(2))
        #expect(chain(page) == [[3, 4], [4, 7], [7, 9]])
        #expect(page.isComplete)
        #expect((2...9).allSatisfy { page.isComplete(after: position($0)) })
        #expect(!page.isComplete(after: position(1)) && !page.isComplete(after: position(10)))
    }

    @Test("who stands before what was forgotten misses what lay up to there")
    func floor() {
        let page = HistoryPage(
            since: position(1),
            publications: [publication(7, behind: 6, "b")],
            head: position(7),
            floor: position(5)
        )
        #expect(chain(page) == [[5, 7]])
        #expect(!page.isComplete)
    }

    @Test("who stands where something was lost is not told what others are")
    func breaks() {
        let some = [publication(4, behind: 3, "a"), publication(9, behind: 8, "b")]
        let page = HistoryPage(
            since: position(3),
            publications: some,
            head: position(9),
            floor: position(2),
            breaks: [HistoryBreak(previous: position(5), position: position(8))]
        ).mergedByKey()
        #expect((3...9).filter { page.covers(position($0)) } == [3, 4, 5, 8, 9])
        #expect((3...9).filter { page.isComplete(after: position($0)) } == [3, 4, 5, 8, 9])
    }

    @Test("who stands between two that follow each other had something else there, and asks by itself")
    func chainOfTail() {
        let some = [publication(5, behind: 3, "a"), publication(9, behind: 5, "b")]
        let page = HistoryPage(since: position(3), publications: some, head: position(9)).mergedByKey()
        #expect((3...9).filter { page.covers(position($0)) } == [3, 5, 9])
        #expect((3...9).filter { page.isComplete(after: position($0)) } == [3, 5, 9])
    }

    @Test("a position that was lost is answered with all there is, from where that begins")
    func beginsAnew() {
        let some = [publication(4, behind: 3, "a"), publication(9, behind: 8, "b")]
        let page = HistoryPage(
            since: position(6),
            of: some,
            countMax: 10,
            bytesMax: 1_000,
            head: position(9),
            floor: position(2),
            beginsAnew: true
        ).mergedByKey()
        #expect(chain(page) == [[2, 4], [4, 9]])
        #expect(Array(page.missed(behind: position(6))) == page.publications)
        #expect(!page.isComplete && !page.isComplete(after: position(7)))
        #expect(page.covers(position(6)) && !page.covers(position(7)))
        var continuity = Continuity(tailCountMax: 10, tailBytesMax: 1_000)
        _ = continuity.open(head: position(6))
        _ = continuity.beginReading()
        let (deliveries, readAfter) = continuity.fill(page)
        #expect(
            deliveries == [.gap(from: position(6), to: position(2))] + page.publications.map { .publication($0) }
        )
        #expect(readAfter == nil && continuity.last == position(9))
    }

    @Test("of each key, and of what has none, the newest is left")
    func merged() {
        let some = [
            publication(2, behind: 1, "a"), publication(3, behind: 2, nil), publication(4, behind: 3, "b"),
            publication(5, behind: 4, "a"), publication(6, behind: 5, nil),
        ]
        let page = HistoryPage(since: position(1), publications: some, head: position(6)).mergedByKey()
        #expect(chain(page) == [[1, 4], [4, 5], [5, 6]])
        #expect(page.isComplete && page.isComplete(after: position(3)))
        let late = HistoryPage(since: position(0), publications: some, head: position(6)).mergedByKey()
        #expect(chain(late)[0] == [1, 4])
        #expect(!late.isComplete)
    }

    @Test("keys: one byte to 255, nothing that is not seen, and told apart by their bytes")
    func keys() {
        #expect(PublicationKey("") == nil && PublicationKey("a\n") == nil && PublicationKey("\u{7f}") == nil)
        #expect(PublicationKey(String(repeating: "k", count: 256)) == nil)
        #expect(PublicationKey(String(repeating: "k", count: 255)) != nil)
        #expect(PublicationKey("\u{e9}") != PublicationKey("e\u{301}"))
        #expect([UInt8(0xff)].withUnsafeBytes { PublicationKey(utf8: $0) } == nil)
    }
}

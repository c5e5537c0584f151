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

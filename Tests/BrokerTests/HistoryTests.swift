import Broker
import TestRandomness
import Testing

@Suite("Publication tail")
struct PublicationTailTests {
    private func tail(countMax: Int = 10, bytesMax: Int = 1_000, _ publications: [Publication] = []) -> PublicationTail
    {
        var tail = PublicationTail(countMax: countMax, bytesMax: bytesMax)
        for publication in publications { tail.append(publication) }
        return tail
    }

    @Test("an empty tail answers nothing")
    func empty() {
        let tail = tail()
        #expect(tail.publications(after: .start) == nil)
        #expect(!tail.contains(.start))
        #expect(tail.publications.isEmpty)
    }

    @Test("answers what follows a position it reaches")
    func answers() {
        let publications = chain(11, 12, 13, after: 10)
        let tail = tail(publications)
        #expect(tail.publications(after: 10).map(Array.init) == publications)
        #expect(tail.publications(after: 12).map(Array.init) == [publications[2]])
        #expect(tail.publications(after: 13).map(Array.init) == [])
        #expect(tail.publications(after: 9) == nil)
        #expect(tail.publications(after: 14) == nil)
        #expect(tail.contains(11) && tail.contains(13))
        #expect(!tail.contains(10))
    }

    @Test("starts anew behind a hole")
    func hole() {
        var tail = tail(chain(1, 2, 3))
        tail.append(Publication(6, after: 5))
        #expect(tail.publications.map(\.position) == [6])
        #expect(tail.publications(after: 3) == nil)
        #expect(tail.publications(after: 5)?.count == 1)
    }

    @Test("is bounded in count, and keeps the newest")
    func boundedCount() {
        var tail = tail(countMax: 10)
        for position in 1...1_000 as ClosedRange<UInt64> {
            let last = Position(milliseconds: position - 1, sequence: 0)
            tail.append(Publication(Position(milliseconds: position, sequence: 0), after: last))
            #expect(tail.publications.count <= 20)
            #expect(tail.publications.count >= min(Int(position), 10))
            #expect(tail.publications.last?.position.milliseconds == position)
        }
    }

    @Test("is bounded in bytes, and keeps the newest")
    func boundedBytes() {
        var tail = tail(countMax: 1_000_000, bytesMax: 1_000)
        var generator = SeededGenerator(seed: 3)
        for position in 1...2_000 as ClosedRange<UInt64> {
            let last = Position(milliseconds: position - 1, sequence: 0)
            let bytes = Int.random(in: 0...300, using: &generator)
            tail.append(Publication(Position(milliseconds: position, sequence: 0), after: last, bytes: bytes))
            #expect(tail.publications.reduce(0) { $0 + $1.payload.bytes.count } <= 2_000)
            #expect(tail.publications.last?.position.milliseconds == position)
        }
    }

    @Test("older publications go in front where they lead up to the oldest")
    func prepend() {
        var joined = tail(chain(5, 6, after: 4))
        joined.prepend(chain(2, 3, 4, after: 1))
        #expect(joined.publications.map(\.position) == [2, 3, 4, 5, 6])
        #expect(joined.publications(after: 1)?.count == 5)

        var overlapping = tail(chain(5, 6, after: 4))
        overlapping.prepend(chain(3, 4, 5, 6, after: 2))
        #expect(overlapping.publications.map(\.position) == [3, 4, 5, 6])

        var apart = tail(chain(5, 6, after: 4))
        apart.prepend(chain(1, 2, 3))
        #expect(apart.publications.map(\.position) == [5, 6])

        var broken = tail(chain(5, 6, after: 4))
        broken.prepend(chain(1, 2) + chain(4, after: 3))
        #expect(broken.publications.map(\.position) == [4, 5, 6])

        var nothing = tail(chain(5, 6, after: 4))
        nothing.prepend([])
        #expect(nothing.publications.count == 2)

        var first = tail()
        first.prepend(chain(1, 2, 3))
        #expect(first.publications.map(\.position) == [1, 2, 3])
    }

    @Test("prepending keeps the bounds and the newest")
    func prependBounded() {
        var tail = tail(countMax: 3, chain(5, 6, after: 4))
        tail.prepend(chain(1, 2, 3, 4))
        #expect(tail.publications.map(\.position) == [4, 5, 6])
    }

    @Test("is a chain whatever is done to it")
    func random() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            var tail = tail(countMax: 8, bytesMax: 200)
            var last: UInt64 = 0
            for _ in 0..<60 {
                if generator.once(in: 6) { last += 1 }
                if generator.once(in: 12) {
                    let first = tail.publications.first?.previous.milliseconds ?? last
                    let low = first > 3 ? first - 3 : 0
                    let older = low < first ? (low + 1...first).map { Position(milliseconds: $0, sequence: 0) } : []
                    tail.prepend(chain(of: older, after: Position(milliseconds: low, sequence: 0)))
                } else {
                    let previous = Position(milliseconds: last, sequence: 0)
                    last += 1
                    let bytes = Int.random(in: 0...60, using: &generator)
                    tail.append(Publication(Position(milliseconds: last, sequence: 0), after: previous, bytes: bytes))
                }
                let all = tail.publications
                #expect(zip(all, all.dropFirst()).allSatisfy { $1.previous == $0.position })
            }
        }
    }
}

@Suite("History page")
struct HistoryPageTests {
    @Test("is complete where the first publication follows the position, or where the position is the head")
    func isComplete() {
        #expect(HistoryPage(since: 4, publications: chain(5, 6, after: 4), head: 6).isComplete)
        #expect(HistoryPage(since: 6, publications: [], head: 6).isComplete)
        #expect(HistoryPage(since: .start, publications: [], head: .start).isComplete)
        #expect(HistoryPage(since: .start, publications: chain(1, 2), head: 2).isComplete)
    }

    @Test("is not complete otherwise")
    func isIncomplete() {
        #expect(!HistoryPage(since: 3, publications: chain(5, 6, after: 4), head: 6).isComplete)
        #expect(!HistoryPage(since: 5, publications: [], head: 6).isComplete, "the entries are gone, the head is not")
        #expect(!HistoryPage(since: 7, publications: [], head: 6).isComplete, "the head went back")
        #expect(!HistoryPage(since: 5, publications: [], head: .start).isComplete, "everything was flushed")
        #expect(!HistoryPage(since: nil, publications: chain(1, 2), head: 2).isComplete)
    }

    @Test("answers for later positions it covers")
    func later() {
        let page = HistoryPage(since: 3, publications: chain(5, 6, 8, after: 4), head: 8)
        #expect(page.isComplete(after: 4))
        #expect(page.isComplete(after: 5))
        #expect(page.isComplete(after: 8))
        #expect(!page.isComplete(after: 3))
        #expect(!page.isComplete(after: 7), "never a position of this channel")
        #expect(!page.isComplete(after: 9))
    }
}

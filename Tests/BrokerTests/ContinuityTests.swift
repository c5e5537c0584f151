import Broker
import Testing

@Suite("Continuity")
struct ContinuityTests {
    /// A channel that is live at a position.
    private func live(at head: Position, _ received: [Publication] = []) -> Continuity {
        var continuity = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        #expect(!continuity.isOpen)
        _ = continuity.open(head: head)
        for publication in received { _ = continuity.receive(publication) }
        #expect(continuity.isOpen)
        return continuity
    }

    private func delivered(_ publications: [Publication]) -> [Continuity.Delivery] {
        publications.map { .publication($0) }
    }

    @Test("what comes before the head is known is held, and what the head covers is dropped")
    func opening() {
        var continuity = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        let publications = chain(4, 5, 6, 7, after: 3)
        for publication in publications { #expect(continuity.receive(publication) == .hold) }
        #expect(continuity.last == .start)
        #expect(!continuity.isLive)
        let opened = continuity.open(head: 5)
        #expect(opened.deliveries == delivered(Array(publications[2...])))
        #expect(opened.readAfter == nil)
        #expect(continuity.last == 7)
        #expect(continuity.isLive)
    }

    @Test("a hole in what was held is read at once")
    func openingWithHole() {
        var continuity = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        _ = continuity.receive(Publication(6, after: 5))
        _ = continuity.receive(Publication(8, after: 7))
        let opened = continuity.open(head: 5)
        #expect(opened.deliveries == delivered([Publication(6, after: 5)]))
        #expect(opened.readAfter == 6)
        #expect(!continuity.isLive)
        #expect(continuity.isOpen)
    }

    @Test("a link of the chain is delivered, and remembered")
    func delivers() {
        var continuity = live(at: 3)
        #expect(continuity.receive(Publication(4, after: 3)) == .deliver)
        #expect(continuity.receive(Publication(5, after: 4)) == .deliver)
        #expect(continuity.last == 5)
        #expect(continuity.tail.publications.map(\.position) == [4, 5])
    }

    @Test("the mark that a channel was cleared is never delivered: what it leaves is read, and all before it is gone")
    func cleared() {
        var states = [live(at: 3, chain(4, 5, after: 3)), live(at: .start), live(at: 9)]
        for index in states.indices {
            let last = states[index].last
            #expect(states[index].receive(Publication(clearedAt: 9)) == .read(after: last))
            // One that comes behind it meanwhile is delivered behind the gap.
            #expect(states[index].receive(Publication(10, after: 9)) == .hold)
            let filled = states[index].fill(HistoryPage(since: last, publications: [], head: 9))
            let gap = last == 9 ? [] : [Continuity.Delivery.gap(from: last, to: 9)]
            #expect(filled.deliveries == gap + delivered([Publication(10, after: 9)]))
            #expect(states[index].isLive && states[index].tail.publications == [Publication(10, after: 9)])
        }
        // Heard before the head of the channel is known, and once that is behind it.
        var opening = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        #expect(opening.receive(Publication(clearedAt: 9)) == .hold)
        var opened = opening
        #expect(opening.open(head: 9).deliveries == [] && opening.isLive)
        #expect(opened.open(head: 3).readAfter == 3)
        #expect(opened.fill(HistoryPage(since: 3, publications: [], head: 9)).deliveries == [.gap(from: 3, to: 9)])
    }

    @Test("a repeated publication is ignored")
    func ignoresDuplicates() {
        var continuity = live(at: 3, chain(4, 5, after: 3))
        #expect(continuity.receive(Publication(4, after: 3)) == .ignore)
        #expect(continuity.receive(Publication(5, after: 4)) == .ignore)
        #expect(continuity.isLive)
        #expect(continuity.last == 5)
    }

    @Test("what was read of a keyed channel, and is heard later, is ignored: it followed what was replaced")
    func ignoresWhatWasReadMerged() {
        var continuity = live(at: 1)
        #expect(continuity.receive(Publication(6, after: 5)) == .read(after: 1))
        // 2 to 4 were replaced, and 7 is heard later than it was read.
        let read = [Publication(5, after: 4), Publication(6, after: 5), Publication(7, after: 6)]
        let kept = HistoryPage(since: 1, publications: read, head: 7, floor: .start)
        let filled = continuity.fill(kept)
        #expect(filled.deliveries == delivered(kept.publications) && filled.readAfter == nil)
        for late in [Publication(5, after: 4), Publication(7, after: 6)] {
            #expect(continuity.receive(late) == .ignore)
        }
        #expect(continuity.receive(Publication(8, after: 7)) == .deliver)
    }

    @Test("a hole is read, filled and followed by what was held")
    func fillsHole() {
        var continuity = live(at: 3)
        #expect(continuity.receive(Publication(6, after: 5)) == .read(after: 3))
        #expect(continuity.receive(Publication(7, after: 6)) == .hold)
        #expect(!continuity.isLive)
        let filled = continuity.fill(HistoryPage(since: 3, publications: chain(4, 5, 6, after: 3), head: 6))
        #expect(filled.deliveries == delivered(chain(4, 5, 6, 7, after: 3)))
        #expect(filled.readAfter == nil)
        #expect(continuity.isLive)
        #expect(continuity.last == 7)
    }

    @Test("a second hole among what was held is read too")
    func fillsTwoHoles() {
        var continuity = live(at: 3)
        _ = continuity.receive(Publication(5, after: 4))
        _ = continuity.receive(Publication(8, after: 7))
        let first = continuity.fill(HistoryPage(since: 3, publications: chain(4, 5, after: 3), head: 5))
        #expect(first.deliveries == delivered(chain(4, 5, after: 3)))
        #expect(first.readAfter == 5)
        #expect(continuity.receive(Publication(9, after: 8)) == .hold)
        let second = continuity.fill(HistoryPage(since: 5, publications: chain(6, 7, 8, after: 5), head: 8))
        #expect(second.deliveries == delivered(chain(6, 7, 8, 9, after: 5)))
        #expect(second.readAfter == nil)
    }

    @Test("what history no longer has is reported as a gap before what follows")
    func reportsTrimmed() {
        var continuity = live(at: 3)
        _ = continuity.receive(Publication(9, after: 8))
        let filled = continuity.fill(HistoryPage(since: 3, publications: chain(8, 9, after: 7), head: 9))
        #expect(filled.deliveries == [.gap(from: 3, to: 7)] + delivered(chain(8, 9, after: 7)))
        #expect(continuity.tail.publications.map(\.position) == [8, 9])
    }

    @Test("a hole inside history is reported where it is")
    func reportsInnerHole() {
        var continuity = live(at: 3)
        #expect(continuity.beginReading() == 3)
        let page = HistoryPage(since: 3, publications: chain(4, after: 3) + chain(7, 8, after: 6), head: 8)
        let deliveries = continuity.fill(page).deliveries
        #expect(
            deliveries == delivered(chain(4, after: 3)) + [.gap(from: 4, to: 6)] + delivered(chain(7, 8, after: 6))
        )
    }

    @Test("a head whose entries are all gone is a gap up to it")
    func reportsExpired() {
        var continuity = live(at: 3)
        _ = continuity.beginReading()
        let filled = continuity.fill(HistoryPage(since: 3, publications: [], head: 8))
        #expect(filled.deliveries == [.gap(from: 3, to: 8)])
        #expect(continuity.last == 8)
        #expect(continuity.tail.publications.isEmpty)
        #expect(continuity.receive(Publication(9, after: 8)) == .deliver)
    }

    @Test("nothing was missed: nothing is delivered")
    func fillsNothing() {
        var continuity = live(at: 3)
        #expect(continuity.beginReading() == 3)
        let filled = continuity.fill(HistoryPage(since: 3, publications: [], head: 3))
        #expect(filled.deliveries.isEmpty)
        #expect(filled.readAfter == nil)
        #expect(continuity.isLive)
    }

    @Test("a Redis that lost writes is told apart by its head, and the chain goes on from there")
    func headWentBack() {
        var continuity = live(at: 3, chain(4, 5, 6, after: 3))
        #expect(continuity.receive(Publication(9, after: 4)) == .read(after: 6))
        let filled = continuity.fill(HistoryPage(since: 6, publications: chain(9, after: 4), head: 9))
        #expect(filled.deliveries == [.gap(from: 6, to: 4)] + delivered(chain(9, after: 4)))
        #expect(continuity.tail.publications.map(\.position) == [9])
    }

    @Test("after a flush the first publication follows the start")
    func flushed() {
        var continuity = live(at: 3, chain(4, after: 3))
        #expect(continuity.receive(Publication(9, after: .start)) == .read(after: 4))
        let filled = continuity.fill(HistoryPage(since: 4, publications: [Publication(9, after: .start)], head: 9))
        #expect(filled.deliveries == [.gap(from: 4, to: .start), .publication(Publication(9, after: .start))])
        #expect(continuity.receive(Publication(10, after: 9)) == .deliver)
    }

    @Test("a head that went back behind what was delivered is reported")
    func headBehind() {
        var continuity = live(at: 3, chain(4, 5, after: 3))
        #expect(continuity.beginReading() == 5)
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 4))
        #expect(filled.deliveries == [.gap(from: 5, to: 4)])
        #expect(continuity.receive(Publication(6, after: 4)) == .deliver)
    }

    @Test(
        "what was heard and the Redis that is asked afterwards does not have is nobody's, and does not make the channel read for ever"
    )
    func heardAndLost() {
        var continuity = live(at: 5)
        #expect(continuity.receive(Publication(7, after: 6)) == .read(after: 5))
        // Redis failed over to a replica that has neither 6 nor 7.
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 5))
        #expect(filled.deliveries.isEmpty)
        #expect(filled.readAfter == nil)
        #expect(continuity.isLive && continuity.last == 5)
        #expect(continuity.receive(Publication(8, after: 5)) == .deliver)
    }

    @Test(
        "a master that is none any more wakes and publishes behind what it knows: readers stay with what the new one has"
    )
    func formerMaster() {
        var continuity = live(at: 3, chain(5, after: 3))
        #expect(continuity.receive(Publication(7, after: 3)) == .read(after: 5))
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 5))
        #expect(filled.deliveries.isEmpty && continuity.last == 5)
        #expect(continuity.receive(Publication(8, after: 5)) == .deliver)
    }

    @Test("what was heard and is no longer in the history, whose head is as new, is told behind a gap")
    func heardAndTrimmed() {
        var continuity = live(at: 5)
        #expect(continuity.receive(Publication(7, after: 6)) == .read(after: 5))
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 7))
        #expect(filled.deliveries == [.gap(from: 5, to: 7)])
        #expect(continuity.receive(Publication(8, after: 7)) == .deliver)
    }

    @Test("a page that was made before something was heard is followed by another read")
    func heardDuringRead() {
        var continuity = live(at: 5)
        #expect(continuity.beginReading() == 5)
        #expect(continuity.receive(Publication(7, after: 6)) == .hold)
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 5))
        #expect(filled.deliveries.isEmpty)
        #expect(filled.readAfter == 5)
        #expect(!continuity.isLive)
        let again = continuity.fill(HistoryPage(since: 5, publications: chain(6, 7, after: 5), head: 7))
        #expect(again.deliveries == delivered(chain(6, 7, after: 5)))
        #expect(again.readAfter == nil)
    }

    @Test("a silence that ends during a read is read again behind it")
    func silenceDuringRead() {
        var continuity = live(at: 5)
        #expect(continuity.beginReading() == 5)
        #expect(continuity.beginReading() == nil, "one is under way")
        let filled = continuity.fill(HistoryPage(since: 5, publications: chain(6, after: 5), head: 6))
        #expect(filled.deliveries == delivered(chain(6, after: 5)))
        #expect(filled.readAfter == 6, "what was published after that page was made may not have been heard")
        let again = continuity.fill(HistoryPage(since: 6, publications: chain(7, after: 6), head: 7))
        #expect(again.deliveries == delivered(chain(7, after: 6)))
        #expect(again.readAfter == nil)
        #expect(continuity.isLive)
    }

    @Test("a read that is asked for anew knows what was missed until then, and no other follows it")
    func restarts() {
        var continuity = live(at: 3)
        #expect(continuity.restartReading() == nil)
        #expect(continuity.receive(Publication(5, after: 4)) == .read(after: 3))
        #expect(continuity.beginReading() == nil)
        #expect(continuity.receive(Publication(6, after: 5)) == .hold)
        #expect(continuity.restartReading() == 3)
        let filled = continuity.fill(HistoryPage(since: 3, publications: chain(4, 5, 6, after: 3), head: 6))
        #expect(filled.deliveries == delivered(chain(4, 5, 6, after: 3)))
        #expect(filled.readAfter == nil && continuity.isLive)
    }

    @Test("reading begins only in a live channel")
    func beginsReading() {
        var continuity = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        #expect(continuity.beginReading() == nil)
        #expect(!continuity.isOpen)
        let opened = continuity.open(head: 2)
        #expect(opened.readAfter == nil)
        #expect(continuity.beginReading() == 2)
    }

    @Test("a second head of an open channel never moves it back, and what it knows is read")
    func openedTwice() {
        var continuity = live(at: 3, chain(4, 5, after: 3))
        let opened = continuity.open(head: 4)
        #expect(opened.deliveries.isEmpty)
        #expect(opened.readAfter == 5)
        #expect(continuity.last == 5)
        let filled = continuity.fill(HistoryPage(since: 5, publications: [], head: 5))
        #expect(filled.deliveries.isEmpty)
        #expect(continuity.receive(Publication(6, after: 5)) == .deliver)
    }

    @Test("a page that had no room for all is no gap: what lies behind it is read, and what was held comes after that")
    func dividedPage() {
        var continuity = live(at: 3)
        #expect(continuity.receive(Publication(9, after: 8)) == .read(after: 3))
        let first = continuity.fill(
            HistoryPage(since: 3, publications: chain(4, 5, after: 3), head: 9, hasMore: true)
        )
        #expect(first.deliveries == delivered(chain(4, 5, after: 3)))
        #expect(first.readAfter == 5 && !continuity.isLive)
        #expect(continuity.receive(Publication(10, after: 9)) == .hold)
        let second = continuity.fill(
            HistoryPage(since: 5, publications: chain(6, after: 5), head: 10, hasMore: true)
        )
        #expect(second.deliveries == delivered(chain(6, after: 5)))
        #expect(second.readAfter == 6)
        let last = continuity.fill(HistoryPage(since: 6, publications: chain(7, 8, 9, 10, after: 6), head: 10))
        #expect(last.deliveries == delivered(chain(7, 8, 9, 10, after: 6)))
        #expect(last.readAfter == nil && continuity.isLive)
    }

    @Test("a page that says there is more, and brings nothing, does not make the channel read for ever")
    func emptyDividedPage() {
        var continuity = live(at: 3)
        #expect(continuity.beginReading() == 3)
        let filled = continuity.fill(HistoryPage(since: 3, publications: [], head: 9, hasMore: true))
        #expect(filled.deliveries == [.gap(from: 3, to: 9)])
        #expect(filled.readAfter == nil)
    }

    @Test("a page nobody waits for changes nothing")
    func unaskedPage() {
        var closed = Continuity(tailCountMax: 100, tailBytesMax: 100_000)
        #expect(closed.fill(HistoryPage(since: 1, publications: chain(2, after: 1), head: 2)).deliveries.isEmpty)
        #expect(!closed.isOpen)
        var continuity = live(at: 3, chain(4, 5, after: 3))
        let filled = continuity.fill(HistoryPage(since: 3, publications: chain(4, after: 3), head: 4))
        #expect(filled.deliveries.isEmpty)
        #expect(filled.readAfter == nil)
        #expect(continuity.last == 5)
        #expect(continuity.isLive)
    }

    @Test("holding is bounded, and what was let go of is read")
    func heldIsBounded() {
        var continuity = live(at: 1)
        _ = continuity.beginReading()
        let publications = chain(of: (2...25_000).map { Position(milliseconds: $0, sequence: 0) }, after: 1)
        for publication in publications { #expect(continuity.receive(publication) == .hold) }
        let filled = continuity.fill(HistoryPage(since: 1, publications: [], head: 1))
        #expect(filled.deliveries.isEmpty)
        #expect(filled.readAfter == 1)
        let again = continuity.fill(HistoryPage(since: 1, publications: publications, head: 25_000))
        #expect(again.deliveries == delivered(publications))
        #expect(again.readAfter == nil)
        #expect(continuity.isLive)
    }

    @Test("holding is bounded in bytes, too: large publications that come while history cannot be read do not pile up")
    func heldBytesAreBounded() {
        var continuity = live(at: 1)
        _ = continuity.beginReading()
        let bytes = 65_536
        for number in 2...300 as ClosedRange<UInt64> {
            let previous = Position(milliseconds: number - 1, sequence: 0)
            let position = Position(milliseconds: number, sequence: 0)
            #expect(continuity.receive(Publication(position, after: previous, bytes: bytes)) == .hold)
        }
        // All that follows it came, and more than a few megabytes of it were let go of.
        let page = HistoryPage(since: 1, publications: [Publication(2, after: 1, bytes: bytes)], head: 2)
        let filled = continuity.fill(page)
        #expect(filled.deliveries.count == 1)
        #expect(filled.readAfter == 2)
    }

    @Test("older publications are remembered where they lead up to what was delivered")
    func remembers() {
        var continuity = live(at: 5)
        continuity.remember(HistoryPage(since: 1, publications: chain(3, 4, after: 2), head: 4))
        #expect(continuity.tail.publications.isEmpty, "5 is missing")
        continuity.remember(HistoryPage(since: 1, publications: chain(3, 4, 5, 6, after: 2), head: 6))
        #expect(continuity.tail.publications.map(\.position) == [3, 4, 5], "6 was not delivered yet")
        #expect(continuity.receive(Publication(6, after: 5)) == .deliver)
        continuity.remember(HistoryPage(since: .start, publications: chain(1, 2, 3), head: 6))
        #expect(continuity.tail.publications.map(\.position) == [1, 2, 3, 4, 5, 6])
    }

    @Test("another publication with a position that was delivered is told as a step back, and then delivered")
    func reusedPosition() {
        var continuity = live(at: 5)
        let lost = chain(8, 10, after: 5)
        for publication in lost { #expect(continuity.receive(publication) == .deliver) }
        #expect(continuity.receive(lost[1]) == .ignore, "heard twice")
        let other = Publication(10, after: 5)
        #expect(continuity.receive(other) == .read(after: 5))
        #expect(!continuity.isLive)
        let filled = continuity.fill(HistoryPage(since: 5, publications: [other], head: 10))
        #expect(filled.deliveries == [.gap(from: 10, to: 5), .publication(other)])
        #expect(filled.readAfter == nil)
        #expect(continuity.receive(Publication(11, after: 10)) == .deliver)
    }

    @Test("a former master that wakes may give a position that was delivered: readers stay with what the history has")
    func reusedPositionOfFormerMaster() {
        let chain = chain(8, 10, after: 5)
        var continuity = live(at: 5, chain)
        #expect(continuity.receive(Publication(10, after: 5)) == .read(after: 5))
        #expect(continuity.receive(Publication(11, after: 10)) == .hold, "it goes on publishing")
        let settled = continuity.fill(HistoryPage(since: 5, publications: chain, head: 10))
        #expect(settled.deliveries.isEmpty && settled.readAfter == 10)
        let filled = continuity.fill(HistoryPage(since: 10, publications: [], head: 10))
        #expect(filled.deliveries.isEmpty && filled.readAfter == nil)
        #expect(continuity.isLive && continuity.last == 10)
        #expect(continuity.receive(Publication(12, after: 10)) == .deliver)
    }

    @Test(
        "a page that ends before a position that two publications have settles nothing; the one that begins there does",
        arguments: [true, false]
    )
    func reusedPositionBeyondPage(isHistoryKnown: Bool) {
        let chain = chain(6, 8, 10, after: 5)
        var continuity = live(at: 5, chain)
        let other = Publication(10, after: 5)
        #expect(continuity.receive(other) == .read(after: 5))
        let divided = continuity.fill(HistoryPage(since: 5, publications: [chain[0]], head: 10, hasMore: true))
        #expect(divided.deliveries.isEmpty && divided.readAfter == 8)
        let history = isHistoryKnown ? [chain[2]] : []
        let settled = continuity.fill(HistoryPage(since: 8, publications: history, head: 10))
        #expect(settled.deliveries.isEmpty && settled.readAfter == (isHistoryKnown ? 10 : 5))
    }
}

internal import Broker

/// Holds a channel's publications back from the readers of one pace, and lets them have all at once when it is time.
///
/// Thread: owned by one reactor. All feeds of that pace that the channel goes into have one, whatever their encoding: so a reader may go
/// from one of them to another, and what is held back is there once.
final class Pacer {
    /// A reader that was told more than its feed has told yet.
    struct Ahead {
        let member: SubscriptionSlot
        /// What it is sent of what is held back begins with this number.
        let number: UInt64
        /// Where it stands.
        let position: Position
    }

    /// Whose publications it holds back.
    let topic: Topic

    /// What its readers asked for.
    let asked: Pace

    /// Batches a second, at most; the slower of what was asked for and of what the rules say.
    var rate: MaxRate

    /// What is left out of a batch.
    var merging: HeldBack.Merging

    /// What its readers are yet to be told.
    var held = HeldBack()

    /// Where its readers stand that have all of their logs.
    var released: Position

    /// When they were last told something, in milliseconds of a clock that never jumps.
    private(set) var toldMilliseconds: UInt64?

    /// When they are told next; `nil` while nothing is held back.
    private(set) var dueMilliseconds: UInt64?

    /// Its readers that were told more than others, in the order in which they came.
    private(set) var ahead: [Ahead] = []

    /// Who is to read several channels, and stands further in this one than its readers do.
    private(set) var waiters: [Join] = []

    /// Whether nobody reads at this pace any more.
    var isGone = false

    init(topic: Topic, asked: Pace, rate: MaxRate, merging: HeldBack.Merging) {
        self.topic = topic
        self.asked = asked
        self.rate = rate
        self.merging = merging
        released = topic.last
    }

    /// Its part of a cursor, made once for all feeds.
    var cursorEntry: String {
        if let madeEntry, madeEntry.position == released { return madeEntry.text }
        let text = topic.cursorEntry(at: released)
        madeEntry = (released, text)
        return text
    }

    private var madeEntry: (position: Position, text: String)?

    /// Something is held back from now on; says when it is to be told, if that was not said before.
    func becomeDue(now: UInt64) -> UInt64? {
        guard dueMilliseconds == nil else { return nil }
        let due = toldMilliseconds.map { max(now, $0 + rate.intervalMilliseconds) } ?? now
        dueMilliseconds = due
        return due
    }

    /// Its readers are told what there is.
    func noteTold(now: UInt64) {
        toldMilliseconds = now
        dueMilliseconds = nil
    }

    // MARK: Readers that stand further

    func add(ahead member: SubscriptionSlot) {
        ahead.append(Ahead(member: member, number: held.nextNumber, position: topic.last))
    }

    func remove(ahead member: SubscriptionSlot) { ahead.removeAll { $0.member == member } }

    /// Where a reader stands that was told more than others.
    func position(ofAhead member: SubscriptionSlot) -> Position? { ahead.first { $0.member == member }?.position }

    func takeAhead() -> ArraySlice<Ahead> {
        defer { ahead = [] }
        return ahead[...]
    }

    func wait(_ join: Join) {
        join.waitsForPace = true
        waiters.append(join)
    }

    func takeWaiters() -> [Join] {
        defer { waiters = [] }
        for join in waiters { join.waitsForPace = false }
        return waiters
    }
}

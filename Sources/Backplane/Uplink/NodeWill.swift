internal import Broker
internal import DequeModule
internal import Reactor

/// What this node leaves of its readers, so that others tell a backend of their end should it die.
///
/// Thread: owned by the uplink. Memory: some 200 bytes for each reader that somebody is, and only where a backend is told.
struct NodeWill {
    enum State: Equatable {
        /// There is none: nobody is told, the backplane is away, or another node carries out the last one.
        case none
        /// The backplane was asked for one.
        case opening(WillID)
        case open(WillID)
    }

    /// Changes that go in one request: some 20 KB, and 100 µs of Redis.
    static let batchCountMax = 64

    /// Changes that wait, while the backplane is away or slow: some 10 MB. Past that all is written anew.
    static let changesCountMax = 65_536

    /// Whether a backend is told of those who are gone.
    var isWanted = false

    private(set) var state = State.none

    /// When its lease is renewed next, or another one is begun.
    var nextTick: Tick = .start

    /// The last one, as long as it may be there.
    private(set) var last: WillID?

    /// Entries by reader. In parts, for the reason that `SessionTable` is.
    private var entries = [[SessionHolder: [UInt8]]](repeating: [:], count: 64)
    private(set) var count = 0

    /// What the backplane has to be told, and readers whose entries it was never told.
    private var changes = Deque<WillChange>()
    private var unwritten: [SessionHolder] = []
    private var isWriting = false

    /// The name of the one that is there.
    var openID: WillID? { if case .open(let will) = state { will } else { nil } }

    // MARK: Entries

    /// Whether a reader has an entry already that says the same is found out here: it is told of more often than it changes.
    mutating func set(_ entry: [UInt8], of holder: SessionHolder) {
        let known = entries[part(of: holder)].updateValue(entry, forKey: holder)
        if known == nil { count += 1 }
        guard known != entry else { return }
        if let known { note(.remove(known)) }
        note(.add(entry))
    }

    mutating func remove(_ holder: SessionHolder) {
        guard let known = entries[part(of: holder)].removeValue(forKey: holder) else { return }
        count -= 1
        note(.remove(known))
    }

    private mutating func note(_ change: WillChange) {
        guard openID != nil else { return }
        if changes.count < Self.changesCountMax { changes.append(change) } else { lose() }
    }

    private func part(of holder: SessionHolder) -> Int {
        Int(truncatingIfNeeded: holder.connection ^ holder.connection >> 32) & (entries.count - 1)
    }

    // MARK: What the backplane has

    mutating func beginOpening(_ will: WillID) { state = .opening(will) }

    /// It is there, and empty.
    mutating func didOpen(_ will: WillID) {
        state = .open(will)
        last = will
        unwritten = entries.flatMap(\.keys)
    }

    /// The backplane has not all of it, or another node carries it out: it is begun anew.
    mutating func lose() {
        state = .none
        changes.removeAll()
        unwritten = []
        isWriting = false
    }

    /// Nobody is told any more.
    mutating func forget() {
        lose()
        isWanted = false
        last = nil
        entries = [[SessionHolder: [UInt8]]](repeating: [:], count: entries.count)
        count = 0
    }

    /// What is to be written next; nothing while that before it is not answered.
    mutating func takeChanges() -> [WillChange] {
        guard openID != nil, !isWriting else { return [] }
        var batch: [WillChange] = []
        while batch.count < Self.batchCountMax, let change = changes.popFirst() { batch.append(change) }
        while batch.count < Self.batchCountMax, let holder = unwritten.popLast() {
            if let entry = entries[part(of: holder)][holder] { batch.append(.add(entry)) }
        }
        isWriting = !batch.isEmpty
        return batch
    }

    mutating func didWrite() { isWriting = false }
}

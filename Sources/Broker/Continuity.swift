/// Keeps one channel's publications in an unbroken chain on their way from an at-most-once bus to the reactors.
///
/// Thread: owned by the uplink. A state machine without input or output: it says what to do, its owner does it. Size: 56 bytes, and the
/// publications of its tail.
/// Invariant I7: publication P follows X only if `P.previous == X`; anything else is a gap, which is filled from history
/// or reported.
public struct Continuity {
    /// What became of one live publication.
    public enum Arrival: Equatable {
        /// Hand it to the reactors now.
        case deliver
        /// It was delivered before.
        case ignore
        /// It waits for a read that is under way.
        case hold
        /// It waits; read the history after this position and call `fill`.
        case read(after: Position)
    }

    /// What is to be handed to the reactors after a read.
    public enum Delivery: Equatable, Sendable {
        /// A publication that follows what was delivered before.
        case publication(Publication)
        /// What lay after `from` up to and including `to` is gone.
        case gap(from: Position, to: Position)
    }

    private enum State {
        case opening
        case live
        case reading
    }

    /// Publications held at most while a read is under way; past it the chain breaks at the end of the read and is
    /// mended by another one.
    private static let heldCountMax = 10_000

    /// Bytes of their payloads, likewise: more than a usual history of the largest messages has (6.5 MB), so that what is let
    /// go of can be read. A node that hears Redis and cannot ask it for a while held 640 MB of one channel without it.
    private static let heldBytesMax = 16_777_216

    /// What there is only until a read is answered.
    private struct Reading {
        var held: [Publication] = []
        /// Their payloads.
        var heldBytes = 0

        /// How many of `held` were there when the read under way was asked for: Redis knows each of them, or lost it.
        var heldBeforeCount = 0

        /// Whether publications may have been missed since the read under way was asked for.
        var mustBeRepeated = false

        /// Two publications of one position: the one that was delivered, and the one that was heard since.
        var contested: (delivered: Publication, heard: Publication)?

        /// A step back that is told with the next page.
        var rewriting: (from: Position, to: Position)?
    }

    // The state stands where the tail leaves room: a node has one of these for each channel that it hears.
    /// The newest publications that were delivered.
    public private(set) var tail: PublicationTail

    private var state = State.opening

    /// The newest position that was delivered.
    public private(set) var last = Position.start

    private var seldom = Seldom<Reading>()

    /// The highest position that was delivered, where positions went back.
    private var higher = Seldom<Position>()

    private var reading: Reading {
        get { seldom[orNew: Reading()] }
        _modify { yield &seldom[orNew: Reading()] }
    }

    /// Payload of what waits for a read.
    public var heldBytes: Int { seldom.known?.heldBytes ?? 0 }

    /// The highest position that was delivered; it is past `last` only where positions went back.
    private var highest: Position { higher.known ?? last }

    /// Moves on.
    private mutating func goOn(to position: Position) {
        last = position
        if let known = higher.known, known <= position { higher.clear() }
    }

    /// Positions went back: what was the highest is kept until it is passed.
    private mutating func setBack(to position: Position) {
        if highest > position { higher[orNew: position] = highest }
        last = position
    }

    /// Whether the channel's head is known.
    public var isOpen: Bool { state != .opening }

    /// Whether no read is under way.
    public var isLive: Bool { state == .live }

    /// Starts with an unknown head: publications are held until `open`.
    public init(tailCountMax: Int, tailBytesMax: Int) {
        tail = PublicationTail(countMax: tailCountMax, bytesMax: tailBytesMax)
    }

    /// Takes one live publication.
    public mutating func receive(_ publication: Publication) -> Arrival {
        switch state {
        case .opening, .reading:
            hold(publication)
            return .hold
        case .live where follows(publication):
            advance(to: publication)
            return .deliver
        case .live where publication.position <= last && tail.contains(publication):
            return .ignore
        case .live where tail.contains(publication.position):
            return .read(after: contest(publication))
        case .live:
            // A hole, or a channel whose positions went back because its Redis lost writes.
            hold(publication)
            return .read(after: startReading())
        }
    }

    /// Takes the head of a channel that was just subscribed to; from here on it is live. A second head, asked for because
    /// the channel was heard again after a silence, moves nothing: what it knows is read.
    public mutating func open(head: Position) -> (deliveries: [Delivery], readAfter: Position?) {
        guard state == .opening else { return ([], beginReading()) }
        goOn(to: head)
        state = .live
        defer { tidy() }
        return release()
    }

    /// Of a live channel nothing waits.
    private mutating func tidy() { if state == .live { seldom.clear() } }

    /// Asks for a read, because publications may have been missed unseen. `nil` if none is needed or one is under way,
    /// which is then followed by another: its page may have been made before what was missed.
    public mutating func beginReading() -> Position? {
        if state == .reading { reading.mustBeRepeated = true }
        return state == .live ? startReading() : nil
    }

    /// Asks anew for the read under way, which was not answered: its page will know whatever was missed until now. `nil` if there is none.
    public mutating func restartReading() -> Position? { state == .reading ? startReading() : nil }

    /// Another publication has the position of one that was delivered. Either a Redis that lost writes made it, with a clock that is
    /// behind: what was delivered after its predecessor is unknown there. Or a master did that is one no more, when it woke. The history
    /// of the one that is asked says which.
    private mutating func contest(_ heard: Publication) -> Position {
        let delivered = tail.publications.first { $0.position == heard.position }
        reading.contested = delivered.map { ($0, heard) }
        hold(heard)
        return startReading()
    }

    /// Takes a page that may have what was delivered at a contested position; says after which position to read then.
    private mutating func settle(_ delivered: Publication, _ heard: Publication, by page: HistoryPage) -> Position? {
        if page.publications.contains(delivered) {
            // The other is of no history that goes on; nor is what was held behind it, unless the next page has it.
            reading.contested = nil
            return startReading()
        }
        if page.hasMore, let end = page.publications.last?.position, end < delivered.position,
            page.since != delivered.previous
        {
            _ = startReading()
            return delivered.previous
        }
        reading.contested = nil
        reading.rewriting = (from: last, to: heard.previous)
        setBack(to: heard.previous)
        tail.removeAll()
        return page.since == last ? nil : startReading()
    }

    private mutating func startReading() -> Position {
        state = .reading
        reading.heldBeforeCount = reading.held.count
        reading.mustBeRepeated = false
        return reading.contested?.heard.previous ?? last
    }

    /// Takes what was read after the position that `receive`, `beginReading` or the page before it named.
    public mutating func fill(_ page: HistoryPage) -> (deliveries: [Delivery], readAfter: Position?) {
        // What nobody waits for was asked by someone who is gone.
        guard state == .reading else { return ([], nil) }
        if let (delivered, heard) = reading.contested, let after = settle(delivered, heard, by: page) {
            return ([], after)
        }
        state = .live
        defer { tidy() }
        var deliveries: [Delivery] = []
        if let rewriting = reading.rewriting { deliveries.append(.gap(from: rewriting.from, to: rewriting.to)) }
        reading.rewriting = nil
        if page.beginsAnew, page.since == last, let floor = page.floor, floor != last {
            // What was delivered last is none of what Redis has now, and what that replaced may be the newest of its key again.
            deliveries.append(.gap(from: last, to: floor))
            setBack(to: floor)
            tail.removeAll()
        } else if page.head < last {
            // Positions went back: what was delivered is unknown to this Redis, what it has since then is unknown here.
            deliveries.append(.gap(from: last, to: page.head))
            setBack(to: page.head)
            tail.removeAll()
        }
        for publication in page.publications where publication.position > last {
            if publication.previous != last {
                deliveries.append(.gap(from: last, to: publication.previous))
            }
            advance(to: publication)
            deliveries.append(.publication(publication))
        }
        if page.hasMore, page.publications.last?.position == last {
            // The page had no room for all that history has; what was held stays behind the rest.
            return (deliveries, startReading())
        }
        if page.head > last {
            // The head outlives its entries: they expired or were trimmed before they could be read.
            deliveries.append(.gap(from: last, to: page.head))
            goOn(to: page.head)
            tail.removeAll()
        }
        let released = release(readHead: page.head)
        return (deliveries + released.deliveries, released.readAfter)
    }

    /// Hands over what was held, up to the next hole that no read was asked for.
    ///
    /// What was heard before a read was asked for, and lies behind the head that this found, is not in the history that everybody goes on
    /// with: a master published it that is one no more, when it woke. Nobody is told of it.
    private mutating func release(readHead: Position? = nil) -> (deliveries: [Delivery], readAfter: Position?) {
        var deliveries: [Delivery] = []
        let waiting = reading.held
        let readCount = reading.heldBeforeCount
        letGo()
        for (index, publication) in waiting.enumerated() where publication.position > last {
            if let readHead, index < readCount, publication.position > readHead { continue }
            if !follows(publication) {
                guard index < readCount else {
                    for publication in waiting[index...] { hold(publication) }
                    return (deliveries, startReading())
                }
                // It was heard, and the read that followed does not have it any more. Another read would not find it either.
                if publication.position <= highest { continue }
                deliveries.append(.gap(from: last, to: publication.previous))
            }
            advance(to: publication)
            deliveries.append(.publication(publication))
        }
        reading.heldBeforeCount = 0
        return (deliveries, reading.mustBeRepeated ? startReading() : nil)
    }

    /// Whether a publication is the next one. What was delivered before is not, even where positions went back.
    private func follows(_ publication: Publication) -> Bool {
        publication.previous == last && publication.position > highest
    }

    /// Makes older publications answer those who come back.
    public mutating func remember(_ page: HistoryPage) {
        let known = page.publications.filter { $0.position <= last }
        if tail.publications.isEmpty, known.last?.position != last { return }
        tail.prepend(known)
    }

    /// Lets go of what waits for a read, which is followed by another one then.
    public mutating func letGoOfHeld() {
        guard state != .live else { return }
        letGo()
        reading.heldBeforeCount = 0
        reading.mustBeRepeated = true
    }

    /// Forgets the oldest of the tail: whoever comes back to it is answered from history.
    public mutating func trimTail(toMemory bytesMax: Int) { tail.trim(toMemory: bytesMax) }

    private mutating func hold(_ publication: Publication) {
        reading.heldBytes += publication.payload.bytes.count
        if reading.held.count == Self.heldCountMax || reading.heldBytes > Self.heldBytesMax {
            letGo()
            reading.heldBytes = publication.payload.bytes.count
            reading.heldBeforeCount = 0
        }
        reading.held.append(publication)
    }

    private mutating func letGo() {
        reading.held.removeAll()
        reading.heldBytes = 0
    }

    private mutating func advance(to publication: Publication) {
        goOn(to: publication.position)
        tail.append(publication)
    }
}

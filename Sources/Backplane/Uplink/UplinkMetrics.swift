public import Broker
internal import Reactor
internal import Synchronization

/// What the uplink counts; written by its thread, read by any.
public final class UplinkMetrics: Sendable {
    /// Publishes that the backplane acknowledged.
    public let publishesAcknowledged = Counter()
    /// Publishes that were refused or not answered.
    public let publishesFailed = Counter()
    /// Publications heard on watched channels.
    public let publicationsHeard = Counter()
    /// Payloads without a position heard.
    public let ephemeralsHeard = Counter()
    /// Holes in what was heard.
    public let gapsFound = Counter()
    /// Holes that history closed without loss.
    public let gapsFilled = Counter()
    /// Holes that had to be reported.
    public let gapsReported = Counter()
    /// Reads of history from the backplane.
    public let historyReads = Counter()
    /// Answers to requests for history that had no room for all.
    public let historyDivided = Counter()
    /// Memory for the tails of all channels.
    public let tailBytes = Counter()

    /// Recoveries answered from the tail in memory.
    public let tailHits = Counter()
    /// Channels that a backplane in memory remembers.
    public let embeddedChannels = Counter()

    /// Memory for what an embedded node remembers of them.
    public let embeddedBytes = Counter()
    /// How long a subscriber count that this node tells is good for, in milliseconds.
    public let countLeaseMilliseconds = Counter()
    /// Channels watched.
    public let channels = Counter()
    /// Whether publishes are taken and everything published is heard: 0 or 1.
    public let isUp = Counter()
    /// Channels that nobody wants any more and that are heard for a while yet.
    public let lingering = Counter()
    /// Channels that the backplane does not let this node hear.
    public let channelsRefused = Counter()
    /// Bytes held for what Redis has not answered.
    public let redisBytes = Counter()
    /// Behind a loss of a link, channels that are not heard yet, and those with reads that are not answered.
    public let channelsUnheard = Counter()
    public let channelsUnread = Counter()
    /// How long a master may be silent before a link to it is given up.
    public let patienceMilliseconds = Counter()
    /// Masters of Redis that are reached and heard, and all that there are.
    public let mastersUp = Counter()
    public let masters = Counter()
    /// Masters that are not done with what is to be moved from them to others, and keys that were left there when a node looked last.
    public let formerMasters = Counter()
    public let keysToMove = Counter()
    /// Times that Sentinels said that a master is somewhere else.
    public let masterMoves = Counter()
    /// Publications that waited for replicas, and those that were not on as many in time.
    public let durablePublishes = Counter()
    public let durableMisses = Counter()
    /// Times a link to Redis was lost.
    public let linkLosses = Counter()
    /// Answers from Redis, and the nanoseconds they took together.
    public let roundTrips = Counter()
    /// See `roundTrips`.
    public let roundTripNanoseconds = Counter()
    /// Reports dropped because a reactor's inbox was full.
    public let inboxOverflows = Counter()

    /// Sessions that this node holds now.
    public let sessions = Counter()
    /// Patterns that the node hears, the channels they stand for, and those for which there was no room.
    public let patterns = Counter()
    public let patternChannels = Counter()
    public let patternChannelsRefused = Counter()
    /// Searches for the channels of a pattern.
    public let patternSearches = Counter()
    /// Requests for sessions and presence that wait for their turn.
    public let bulkWaiting = Counter()
    /// Sessions that were not opened, because this node has as many as it may.
    public let sessionsUnopened = Counter()
    /// Sessions opened.
    public let sessionsOpened = Counter()
    /// Sessions resumed by way of the backplane.
    public let sessionsResumed = Counter()
    /// Polls that found their session in this node's memory.
    public let sessionsFound = Counter()
    /// Sessions that another node, or another connection of this one, took over.
    public let sessionsTaken = Counter()
    /// Sessions that the backplane lost and that were put back.
    public let sessionsRestored = Counter()
    /// Members of this node in channels whose presence is switched on, those between two connections included.
    public let members = Counter()
    /// Questions that this node put to all nodes, and those to which not all answered in time.
    public let clusterQuestions = Counter()
    public let clusterQuestionsIncomplete = Counter()
    /// Readers of whose end others would tell a backend if this node died.
    public let willEntries = Counter()
    /// Times that these had to be written anew: Redis lost them, or this node was taken for dead.
    public let willsLost = Counter()
    /// Nodes that died and whose readers this one told of, and those readers.
    public let willsExecuted = Counter()
    public let willReadersTold = Counter()
    /// Times the cluster was told what users have of what is limited there, and those that were in vain.
    public let rateSpendings = Counter()
    public let rateSpendingsFailed = Counter()
    /// Times the node said how it is, and how many nodes with somebody who wants to know heard it last.
    public let factsTold = Counter()
    public let factsListeners = Counter()
    /// Writes to sessions.
    public let sessionWrites = Counter()
    /// Writes that did not get through; they are repeated.
    public let sessionWritesFailed = Counter()

    private let reason = Lock<String?>(nil)

    /// Why publishes are not taken, or not everything is heard, as far as the backplane knows.
    public internal(set) var trouble: String? {
        get { reason.withLock { $0 } }
        set { reason.withLock { $0 = newValue } }
    }

    /// Starts at zero.
    public init() {}
}

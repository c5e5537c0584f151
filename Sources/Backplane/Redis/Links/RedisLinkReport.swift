/// Who is told how the links to Redis fare: the log and the metrics.
public struct RedisLinkReport {
    /// For the log: a link was made (no reason) or lost. At most one line a second and link, and one for each reason until
    /// it is made again. `master` is what the master is called that it leads to, or whose Sentinel.
    public var changed: (_ link: String, _ master: String, _ reason: String?) -> Void

    /// For the log: Sentinels say that a master is somewhere else now.
    public var moved: (_ master: String, _ place: String) -> Void

    /// For the log: the Sentinels of a master, or a whole cluster, were set up anew. What they say is believed though it is older than what
    /// was said before.
    public var setUpAnew: (_ master: String) -> Void

    /// So many masters are reached, and heard, of so many.
    public var reached: (_ up: Int, _ all: Int) -> Void

    /// A link was lost, or could not be made.
    public var lost: () -> Void

    /// For the log: Redis answered a request with an error. At most one line a second, and one a minute for each error.
    public var refused: (_ error: String) -> Void

    /// So many publications waited for replicas, of which so many are not on as many as they should be.
    public var settled: (_ count: Int, _ missed: Int) -> Void

    /// A request was answered after so many nanoseconds.
    public var roundTrip: (UInt64) -> Void

    /// So many requests wait for others, because there are too many of their kind, and so many bytes are held for all that
    /// Redis has not answered.
    public var waiting: (_ bulk: Int, _ bytes: Int) -> Void

    /// Behind a loss so many channels are not heard yet, and so many not read; and so long a master may be silent before a link to it is given
    /// up.
    public var restoring: (_ unheard: Int, _ unread: Int, _ patienceMilliseconds: UInt64) -> Void

    /// So many masters are not done with what is to be moved from them to others, and so many keys were left when somebody looked last.
    public var moving: (_ masters: Int, _ keys: Int) -> Void

    /// Another process lives by this node's name. This one is not ready while that is so; where it never was, it has failed
    /// to start.
    public var rivalled: (_ isStart: Bool) -> Void

    /// Makes a report from its functions; nobody is told where there is none.
    public init(
        changed: @escaping (String, String, String?) -> Void = { _, _, _ in },
        moved: @escaping (String, String) -> Void = { _, _ in },
        setUpAnew: @escaping (String) -> Void = { _ in },
        reached: @escaping (Int, Int) -> Void = { _, _ in },
        lost: @escaping () -> Void = {},
        refused: @escaping (String) -> Void = { _ in },
        settled: @escaping (Int, Int) -> Void = { _, _ in },
        roundTrip: @escaping (UInt64) -> Void = { _ in },
        waiting: @escaping (Int, Int) -> Void = { _, _ in },
        restoring: @escaping (Int, Int, UInt64) -> Void = { _, _, _ in },
        moving: @escaping (Int, Int) -> Void = { _, _ in },
        rivalled: @escaping (Bool) -> Void = { _ in }
    ) {
        self.changed = changed
        self.moved = moved
        self.setUpAnew = setUpAnew
        self.reached = reached
        self.lost = lost
        self.refused = refused
        self.settled = settled
        self.roundTrip = roundTrip
        self.waiting = waiting
        self.restoring = restoring
        self.moving = moving
        self.rivalled = rivalled
    }
}

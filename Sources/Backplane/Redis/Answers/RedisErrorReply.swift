/// An error that Redis answered with, and what it means for the link it came on. What an operator can do about it is said in
/// `RedisComplaint`.
///
/// Source: the replies of Redis 7.0 and 7.2 as `server.c` (`shared.…err`) and `acl.c` write them, tried on 7.0.15.
struct RedisErrorReply {
    /// In Redis' words; the first is its code.
    let text: String

    /// The function library is not there, or not there any more.
    var isFunctionMissing: Bool { text.hasPrefix("ERR Function not found") }

    /// What is asked for has another master now, or is on its way there.
    var isElsewhere: Bool { text.hasPrefix("ELSEWHERE ") || text.hasPrefix("UNDERWAY ") }

    /// The library is there: someone else was faster.
    var isLibraryThere: Bool { text.hasPrefix("ERR Library") && text.hasSuffix("already exists") }

    /// What is under a key is of another type than what nodes write there.
    var isAboutType: Bool { text.hasPrefix("WRONGTYPE") }

    /// One of its channels or keys is not for this user; others may be.
    var isAboutNames: Bool { text.hasPrefix("NOPERM") && !isAboutCommand }

    private var isAboutCommand: Bool { text.hasPrefix("NOPERM") && text.contains("permissions to run the") }

    /// Whether nothing can be published by way of this link, whatever the channel. Another address may be right.
    var isFatal: Bool {
        isAboutCommand || Self.fatalCodes.contains(String(text.prefix { $0 != " " }))
            || text.hasPrefix("ERR max number of clients")
    }

    /// Whether it is what a Redis that only takes no writes answers to a `PING`: whoever hears it goes on hearing.
    var isAlive: Bool { Self.aliveCodes.contains(String(text.prefix { $0 != " " })) }

    private static let aliveCodes: Set<String> = ["MISCONF", "LOADING", "MASTERDOWN"]

    /// A replica, no memory, no disk, not there yet, not us, a node of a cluster, or other masters than ours.
    private static let fatalCodes: Set<String> = [
        "READONLY", "MASTERDOWN", "NOREPLICAS", "OOM", "MISCONF", "LOADING", "NOAUTH", "WRONGPASS", "MOVED", "ASK",
        "CLUSTERDOWN", "TRYAGAIN", "CROSSSLOT", "OUTDATED",
    ]
}

/// Tries whether a node could work with a Redis, and leaves nothing there: what `perseid check` asks.
public struct RedisInspector {
    private let master: RedisMaster
    private let isClustered: Bool
    private let keys: RedisKeys

    /// What was found of the function library.
    public enum Library: Sendable, Equatable {
        /// This version is loaded, and a node will use it.
        case loaded(version: Int)
        /// None, or an old one; a node may load its own.
        case absent
    }

    /// Names the Redis to try, and what begins the names of keys there.
    public init(_ master: RedisMaster, of deployment: RedisDeployment, keyPrefix: String) {
        self.master = master
        isClustered = deployment.isCluster
        keys = RedisKeys(prefix: keyPrefix, database: master.address.database)
    }

    /// Does what a node does: greets, writes, calls the library, subscribes.
    ///
    /// - Throws: what a node would stumble over. Missing functions that it may load itself are no reason.
    public func inspect() throws(RedisFailure) -> Library {
        let redis = try RedisConversation.begin(with: master, isClustered: isClustered)
        try tryWriting(redis)
        let library = try library(redis)
        // What of a node of a cluster a key would have told, where its functions are there.
        if case .loaded = library { _ = try redis.ask(["FCALL", "perseid_writable", "0"]) }
        // Last: a connection that subscribed takes no other commands.
        _ = try redis.ask(["SUBSCRIBE", .text(keys.check("c"))])
        return library
    }

    /// A write that changes nothing shows a replica; that its keys lie in two slots, a cluster, whoever has them; one that
    /// stores something, for a second, a full memory.
    private func tryWriting(_ redis: RedisConversation) throws(RedisFailure) {
        // Which keys lie at this node is not for us to say; that it is a master, it has said.
        if isClustered { return }
        _ = try redis.ask(["DEL", .text(keys.check("a")), .text(keys.check("b"))])
        _ = try redis.ask(["SET", .text(keys.check("a")), "1", "PX", "1000"])
        _ = try redis.ask(["DEL", .text(keys.check("a"))])
    }

    private func library(_ redis: RedisConversation) throws(RedisFailure) -> Library {
        let version = try redis.installedVersion()
        if let version, version >= RedisFunctions.version { return .loaded(version: version) }
        // Whether we might load it, Redis tells by what it says of a library that is none.
        do throws(RedisFailure) {
            _ = try redis.ask(["FUNCTION", "LOAD", "none"])
        } catch {
            guard error.description.contains("Missing library metadata") else { throw error }
        }
        return .absent
    }
}

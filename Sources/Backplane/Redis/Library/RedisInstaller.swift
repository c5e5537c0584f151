/// Looks at and loads the function library: for the command line, not for a node.
public struct RedisInstaller {
    private let master: RedisMaster
    private let isClustered: Bool

    /// Names the Redis to work on.
    public init(_ master: RedisMaster, of deployment: RedisDeployment) {
        self.master = master
        isClustered = deployment.isCluster
    }

    /// The version of the library that is loaded, if one is.
    public func installedVersion() throws(RedisFailure) -> Int? {
        try RedisConversation.begin(with: master, isClustered: isClustered).installedVersion()
    }

    /// The version of the library that is loaded, if it is newer than the one here; nil also for who may not ask for it.
    public func newerVersion() -> Int? {
        guard let version = try? installedVersion(), version > RedisFunctions.version else { return nil }
        return version
    }

    /// Loads the library in place of the one that is there.
    public func install() throws(RedisFailure) {
        try RedisConversation.begin(with: master, isClustered: isClustered).install()
    }
}

extension RedisConversation {
    /// The version of the function library that is loaded, if one is.
    func installedVersion() throws(RedisFailure) -> Int? {
        do throws(RedisFailure) {
            // bounded: reads text, and gives nil
            return Int(try ask(["FCALL_RO", "perseid_version", "0"]))
        } catch {
            if error.description.contains("Function not found") { return nil }
            throw error
        }
    }

    /// Loads the function library in place of the one that is there.
    func install() throws(RedisFailure) {
        _ = try ask(["FUNCTION", "LOAD", "REPLACE", .bytes(RedisFunctions.source)])
    }
}

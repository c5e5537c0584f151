public import Broker

// All wills are at one master.
extension RedisBackplane {
    public var keepsWills: Bool { true }

    public var areWillsUp: Bool { topology.shard(of: keys.wills)?.isUp == true }

    public func openWill(_ will: WillID, replacing old: WillID?) {
        ask(RedisOpenWill(will: will, old: old))
    }

    public func dropWill(_ will: WillID) { ask(RedisDropWill(will: will)) }

    public func writeWill(_ will: WillID, _ changes: [WillChange]) {
        ask(RedisWriteWill(will: will, changes: changes))
    }

    public func renewWill(_ will: WillID, executing: WillID?, seeks: Bool) {
        ask(RedisRenewWill(will: will, executing: executing, seeks: seeks))
    }

    public func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int) {
        ask(RedisExecuteWill(will: will, done: done, countMax: countMax))
    }

    public func readFence(of session: SessionID, for entry: [UInt8]) {
        ask(RedisReadFence(session: session, entry: entry))
    }
}

public import Broker

// With a node that is alone ends all that it knew: there is nobody to carry out its will.
extension MemoryBackplane {
    public var keepsWills: Bool { false }

    public func openWill(_ will: WillID, replacing old: WillID?) {}

    public func dropWill(_ will: WillID) {}

    public func writeWill(_ will: WillID, _ changes: [WillChange]) {}

    public func renewWill(_ will: WillID, executing: WillID?, seeks: Bool) {}

    public func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int) {}

    public func readFence(of session: SessionID, for entry: [UInt8]) {}
}

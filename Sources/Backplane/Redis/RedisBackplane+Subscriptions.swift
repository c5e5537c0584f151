public import Broker

// Channels are heard at the master that has them, patterns wherever something may be told that they stand for.
extension RedisBackplane {
    public func subscribe(_ channel: ChannelName) {
        if channel.isPattern { heardPatterns[channel] = heardPatterns[channel] ?? [] }
        topology.subscribe(channel)
    }

    public func unsubscribe(_ channel: ChannelName) {
        heardPatterns[channel] = nil
        topology.unsubscribe(channel)
    }

    /// A pattern is heard once it is wherever it must be: only then nothing of its channels is missed.
    func subscribed(_ channel: ChannelName, _ shard: RedisShard) {
        if channel.isPattern {
            heardPatterns[channel]?.insert(shard.number)
            patternsToSay[shard.number, default: []].append(channel)
            guard topology.isHeard(by: heardPatterns[channel] ?? []) else { return }
        }
        delegate?.subscribed(channel)
    }

    public func find(_ patterns: PatternSet) { find(patterns, among: topology.searchOrder[...], from: "0") }

    /// Looks through one master after the other. One that has gone meanwhile answers nothing, and all is looked through anew.
    private func find(_ patterns: PatternSet, among masters: ArraySlice<RedisShard>, from cursor: String) {
        guard let master = masters.first else {
            delegate?.found(nil)
            return
        }
        let rest = masters.dropFirst()
        let question = RedisFind(
            patterns: patterns,
            cursor: cursor,
            isLastMaster: rest.isEmpty,
            findMore: { [unowned self] next in find(patterns, among: next == nil ? rest : masters, from: next ?? "0") },
            readHeads: { [unowned self] in readHeads(of: $0[...], [], $1) }
        )
        master.commands.ask(question)
    }

    /// Asks where channels stand, one after the other. What is refused of one is none of the others' business: it is not found.
    private func readHeads(
        of channels: ArraySlice<ChannelName>,
        _ known: [(name: ChannelName, head: Position)],
        _ tell: @escaping ([(name: ChannelName, head: Position)]?) -> Void
    ) {
        guard let channel = channels.first else { return tell(known) }
        let question = RedisHead(channel: channel) { [unowned self] outcome in
            switch outcome {
            case .success(let head): readHeads(of: channels.dropFirst(), known + [(channel, head)], tell)
            case .failure(.refused): readHeads(of: channels.dropFirst(), known, tell)
            case .failure: tell(nil)
            }
        }
        ask(question)
    }

    /// Says which patterns this node hears: a library that was loaded anew does not know by itself, and none of a cluster's masters does.
    func sayPatterns() {
        let patterns = Array(heardPatterns.keys)
        for shard in shards { say(patterns, to: shard) }
    }

    /// What is published now is told at once; the search for a pattern's channels, which finds what was published before, may wait.
    func sayNewPatterns() {
        guard !patternsToSay.isEmpty else { return }
        for shard in shards { say(patternsToSay[shard.number] ?? [], to: shard) }
        patternsToSay = [:]
    }

    private func say(_ patterns: [ChannelName], to shard: RedisShard) {
        for start in stride(from: 0, to: patterns.count, by: RedisHear.patternsMax) {
            let some = Array(patterns[start..<min(start + RedisHear.patternsMax, patterns.count)])
            shard.commands.ask(RedisHear(patterns: some))
        }
    }

    /// A master of a cluster that was not there knows of no patterns, and what was published there they have not heard.
    func searchAgain() {
        for (pattern, numbers) in heardPatterns where topology.isHeard(by: numbers) { delegate?.subscribed(pattern) }
    }
}

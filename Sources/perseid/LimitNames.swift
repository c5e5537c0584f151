import Broker

/// What each limit is called in settings, under `limits` in the file, as `PERSEID_LIMITS_…` in the environment; and in a
/// line what it limits. What happens when it is hit is said in `Limits`.
enum LimitNames {
    /// Whether a running node can go by another limit of this name.
    static func isChangeable(_ name: String) -> Bool {
        name.hasSuffix("-per-second-max") && !name.hasPrefix("channel-")
            || ["burst-milliseconds", "sessions-per-address-max", "sessions-per-user-max"].contains(name)
    }

    /// Takes over those that a running node can change.
    static func takeChangeable(of other: Limits, into limits: inout Limits) {
        for (name, path, _) in counts + rates where isChangeable(name) { limits[keyPath: path] = other[keyPath: path] }
        for (name, path, _) in times where isChangeable(name) { limits[keyPath: path] = other[keyPath: path] }
    }

    static let counts: [(String, any WritableKeyPath<Limits, Int> & Sendable, String)] = [
        ("message-bytes-max", \.messageBytesMax, "bytes of a payload, or of a client's message"),
        ("cursor-bytes-max", \.cursorBytesMax, "bytes of the longest cursor a client's channels can come to have"),
        ("request-head-bytes-max", \.requestHeadBytesMax, "bytes of a request's head"),
        ("request-target-bytes-max", \.requestTargetBytesMax, "bytes of a request's target"),
        ("token-bytes-max", \.tokenBytesMax, "bytes of an access token"),
        ("tokens-known-max", \.tokensKnownMax, "access tokens that a reactor remembers"),
        ("tokens-under-way-max", \.tokensUnderWayMax, "access tokens that are being looked at for a reactor"),
        ("hook-questions-max", \.hookQuestionsMax, "questions to backends that wait for a reactor"),
        ("hook-bytes-max", \.hookBytesMax, "memory for those questions"),
        ("hook-answer-bytes-max", \.hookAnswerBytesMax, "bytes of a backend's answer"),
        ("key-set-bytes-max", \.keySetBytesMax, "bytes of a set of keys that is fetched"),
        ("connections-max", \.connectionsMax, "connections of the node"),
        ("connections-per-address-max", \.connectionsPerAddressMax, "connections from one address"),
        (
            "connections-per-user-max", \.connectionsPerUserMax,
            "connections of one user or API key that read, on a node"
        ),
        ("accepts-per-turn-max", \.acceptsPerTurnMax, "connections a reactor accepts in one turn"),
        (
            "handshakes-waiting-max", \.handshakesWaitingMax,
            "TLS handshakes that wait for a reactor before it accepts no more"
        ),
        ("channels-per-connection-max", \.channelsPerConnectionMax, "channels of one connection"),
        ("patterns-per-connection-max", \.patternsPerConnectionMax, "patterns of one connection, such as chat/*"),
        ("channels-per-pattern-max", \.channelsPerPatternMax, "channels that one pattern stands for on a node"),
        ("outbox-bytes-max", \.outboxBytesMax, "answers and replays that wait for one slow connection"),
        ("held-input-bytes-max", \.heldInputBytesMax, "memory for all requests and messages that are not whole yet"),
        ("held-output-bytes-max", \.heldOutputBytesMax, "memory for all answers that wait for slow readers"),
        ("poll-bytes-max", \.pollBytesMax, "payload in the answer to a poll"),
        ("stream-bytes-max", \.streamBytesMax, "bytes of one JSON stream before it is renewed"),
        ("window-bytes-max", \.windowBytesMax, "bytes a channel keeps for its slow readers"),
        ("logs-bytes-max", \.logsBytesMax, "memory for what all channels keep for slow readers"),
        ("waiting-bytes-max", \.waitingBytesMax, "memory for what comes faster than it can be sent"),
        (
            "replay-ahead-bytes-max", \.replayAheadBytesMax,
            "bytes of what a client missed that are made ahead of its connection"
        ),
        ("fanout-quantum-bytes", \.fanoutQuantumBytes, "bytes of one channel that are sent before the next one's turn"),
        (
            "fanout-quantum-members", \.fanoutQuantumMembers,
            "subscribers of one channel that are sent to before the next one's turn"
        ),
        ("history-count-max", \.historyCountMax, "publications a channel remembers"),
        ("keys-max", \.keysMax, "keys of a keyed channel whose newest publication is kept"),
        ("paced-bytes-max", \.pacedBytesMax, "memory for what is held back for readers of a max-rate"),
        ("embedded-channels-max", \.embeddedChannelsMax, "channels that a node without Redis remembers"),
        ("embedded-bytes-max", \.embeddedBytesMax, "memory for what a node without Redis remembers"),
        ("read-count-max", \.readCountMax, "publications one read of history brings"),
        ("read-bytes-max", \.readBytesMax, "payload that one read of history brings"),
        ("history-bytes-max", \.historyBytesMax, "payload in an answer of history"),
        ("tail-bytes-max", \.tailBytesMax, "recent publications a node keeps of each channel it reads"),
        ("tails-bytes-max", \.tailsBytesMax, "recent publications a node keeps of all channels it reads"),
        ("replay-bytes-max", \.replayBytesMax, "payload held for one client of what it missed"),
        ("recoveries-bytes-max", \.recoveriesBytesMax, "payload that was heard and waits for a read"),
        ("inbox-depth-max", \.inboxDepthMax, "publications that wait for one reactor"),
        ("redis-requests-max", \.redisRequestsMax, "publishes and reads under way to Redis"),
        ("redis-bytes-max", \.redisBytesMax, "memory for publishes, and for upkeep, that Redis has not answered"),
        ("redis-reply-bytes-max", \.redisReplyBytesMax, "bytes of one answer or message from Redis"),
        ("redis-questions-max", \.redisQuestionsMax, "requests for history, presence and counts that wait for Redis"),
        ("redis-reads-max", \.redisReadsMax, "reads for live subscribers under way to Redis"),
        ("lingering-channels-max", \.lingeringChannelsMax, "channels still heard that nobody wants"),
        ("sessions-max", \.sessionsMax, "sessions of the node, held or waiting to be resumed"),
        ("checkpoints-per-tick-max", \.checkpointsPerTickMax, "checkpoints a reactor begins in one tick of 250 ms"),
        ("redis-bulk-max", \.redisBulkMax, "requests for sessions and presence under way to Redis"),
        ("presence-members-max", \.presenceMembersMax, "members that one answer lists"),
        ("member-details-bytes-max", \.memberDetailsBytesMax, "bytes that others see of who a member is"),
        ("cluster-questions-max", \.clusterQuestionsMax, "questions of operators to all nodes, under way from one"),
        ("cluster-answer-bytes-max", \.clusterAnswerBytesMax, "bytes of what nodes tell of their clients"),
        ("revocations-max", \.revocationsMax, "tokens and users that are taken back at a time"),
        ("sessions-per-address-max", \.sessionsPerAddressMax, "sessions opened from one address in the time to resume"),
        ("sessions-per-user-max", \.sessionsPerUserMax, "sessions opened by one user or API key in the time to resume"),
        (
            "user-ahead-percent", \.userAheadPercent,
            "of what can be saved up, that a user may have before the cluster knows of it"
        ),
        (
            "users-ahead-max", \.usersAheadMax,
            "users of which a reactor knows what the cluster does not, for each limit"
        ),
        ("stall-bytes-min", \.stallBytesMin, "bytes a slow peer must take within stall-milliseconds"),
        ("replies-bytes-max", \.repliesBytesMax, "replies that wait before a client's next command is looked at"),
        ("compressed-feeds-max", \.compressedFeedsMax, "feeds that are compressed with what came before"),
        ("compression-flush-bytes", \.compressionFlushBytes, "bytes after which those who wait may join such a feed"),
        ("compressed-message-bytes-min", \.compressedMessageBytesMin, "bytes of a message that is worth compressing"),
        ("commands-under-way-max", \.commandsUnderWayMax, "commands of one WebSocket the backplane has not answered"),
        ("commands-per-message-max", \.commandsPerMessageMax, "commands in one WebSocket message"),
        ("command-bytes-under-way-max", \.commandBytesUnderWayMax, "bytes of payload in those"),
        (
            "count-renewals-per-second-max", \.countRenewalsPerSecondMax,
            "subscriber counts that a node renews in Redis; their leases last longer where it has more"
        ),
        (
            "channel-changes-per-second-max", \.channelChangesPerSecondMax,
            "channels one client joins or leaves in a second"
        ),
    ]

    /// Of these 0 is no limit.
    static let rates: [(String, any WritableKeyPath<Limits, Int> & Sendable, String)] = [
        ("address-connects-per-second-max", \.addressConnectsPerSecondMax, "connections of one address; 0: any"),
        ("address-requests-per-second-max", \.addressRequestsPerSecondMax, "requests of one address; 0: any"),
        ("address-publishes-per-second-max", \.addressPublishesPerSecondMax, "publications of one address; 0: any"),
        (
            "address-publish-bytes-per-second-max", \.addressPublishBytesPerSecondMax,
            "bytes of those of one address; 0: any"
        ),
        (
            "address-subscribes-per-second-max", \.addressSubscribesPerSecondMax,
            "channels one address begins to read; 0: any"
        ),
        ("address-calls-per-second-max", \.addressCallsPerSecondMax, "calls of services by one address; 0: any"),
        (
            "address-presence-per-second-max", \.addressPresencePerSecondMax,
            "questions of one address for who is present; 0: any"
        ),
        (
            "address-history-per-second-max", \.addressHistoryPerSecondMax,
            "questions of one address for history; 0: any"
        ),
        (
            "address-tokens-refused-per-second-max", \.addressTokensRefusedPerSecondMax,
            "tokens of one address that are none; 0: any"
        ),
        ("user-requests-per-second-max", \.userRequestsPerSecondMax, "requests of one user or API key; 0: any"),
        ("user-publishes-per-second-max", \.userPublishesPerSecondMax, "publications of one user or API key; 0: any"),
        (
            "user-publish-bytes-per-second-max", \.userPublishBytesPerSecondMax,
            "bytes of those of one user or API key; 0: any"
        ),
        (
            "user-subscribes-per-second-max", \.userSubscribesPerSecondMax,
            "channels one user or API key begins to read; 0: any"
        ),
        ("user-calls-per-second-max", \.userCallsPerSecondMax, "calls of services by one user or API key; 0: any"),
        (
            "user-presence-per-second-max", \.userPresencePerSecondMax,
            "questions of one user or API key for who is present; 0: any"
        ),
        (
            "user-history-per-second-max", \.userHistoryPerSecondMax,
            "questions of one user or API key for history; 0: any"
        ),
        ("overload-memory-bytes", \.overloadMemoryBytes, "memory with which nobody new is taken; 0: any"),
    ]

    static let times: [(String, any WritableKeyPath<Limits, UInt64> & Sendable, String)] = [
        ("burst-milliseconds", \.burstMilliseconds, "of their rates that addresses and users may have at once"),
        ("overload-lag-milliseconds", \.overloadLagMilliseconds, "turn of a reactor with which nobody new is taken"),
        (
            "compression-idle-milliseconds", \.compressionIdleMilliseconds,
            "without a message until a feed gives back what it is compressed with"
        ),
        ("request-milliseconds", \.requestMilliseconds, "a client has to send a whole request"),
        ("key-set-timeout-milliseconds", \.keySetTimeoutMilliseconds, "the server of a set of keys has to answer"),
        ("key-set-milliseconds", \.keySetMilliseconds, "age of a set of keys that does not say how old it may become"),
        ("key-set-milliseconds-min", \.keySetMillisecondsMin, "the least age of one that does"),
        ("key-set-milliseconds-max", \.keySetMillisecondsMax, "the highest age of one that does"),
        (
            "key-set-pause-milliseconds", \.keySetPauseMilliseconds,
            "between two fetches of a set because of unknown keys"
        ),
        ("keep-alive-milliseconds", \.keepAliveMilliseconds, "a connection may idle between requests"),
        ("close-milliseconds", \.closeMilliseconds, "a peer has to take our last bytes"),
        ("heartbeat-milliseconds", \.heartbeatMilliseconds, "silence after which a stream gets a heartbeat"),
        ("poll-milliseconds", \.pollMilliseconds, "a poll is held when there is nothing to tell"),
        ("stream-milliseconds", \.streamMilliseconds, "age of a JSON stream before it is renewed"),
        ("stall-milliseconds", \.stallMilliseconds, "a peer that reads nothing may block its connection"),
        ("fanout-slice-microseconds", \.fanoutSliceMicroseconds, "a reactor fans out before it looks at its poller"),
        ("client-slice-microseconds", \.clientSliceMicroseconds, "one client's requests and commands get in a turn"),
        ("input-slice-microseconds", \.inputSliceMicroseconds, "all clients' input gets in a turn"),
        ("handshake-slice-microseconds", \.handshakeSliceMicroseconds, "all clients' TLS handshakes get in a turn"),
        ("accept-pause-milliseconds", \.acceptPauseMilliseconds, "pause in accepting when no descriptor is left"),
        ("history-milliseconds", \.historyMilliseconds, "age of a publication that is remembered"),
        ("keys-milliseconds", \.keysMilliseconds, "age of the newest publication of a key"),
        ("head-milliseconds", \.headMilliseconds, "a channel's head outlives its last publication"),
        ("idempotency-milliseconds", \.idempotencyMilliseconds, "a repeated idempotency key gets the first position"),
        ("linger-milliseconds", \.lingerMilliseconds, "a node stays subscribed behind its last subscriber"),
        ("node-lease-milliseconds", \.nodeLeaseMilliseconds, "lease of what a node says of itself in Redis"),
        ("redis-milliseconds", \.redisMilliseconds, "Redis has to answer"),
        ("durable-milliseconds", \.durableMilliseconds, "replicas have for what a rule calls durable"),
        ("reconnect-milliseconds-min", \.reconnectMillisecondsMin, "first pause before Redis is tried again"),
        ("reconnect-milliseconds-max", \.reconnectMillisecondsMax, "longest pause before Redis is tried again"),
        ("count-lease-milliseconds", \.countLeaseMilliseconds, "lease of a node's subscriber counts in Redis"),
        ("session-lease-milliseconds", \.sessionLeaseMilliseconds, "lease of a session that a node holds, in Redis"),
        ("presence-lease-milliseconds", \.presenceLeaseMilliseconds, "lease of a member in Redis"),
        ("resume-milliseconds", \.resumeMilliseconds, "a client has to resume its session"),
        ("checkpoint-milliseconds", \.checkpointMilliseconds, "between two checkpoints of a session"),
        ("cluster-question-milliseconds", \.clusterQuestionMilliseconds, "all nodes have to answer an operator"),
        (
            "facts-attempt-milliseconds", \.factsAttemptMilliseconds,
            "between two attempts to say how the node is while nobody listens"
        ),
        ("authenticate-milliseconds", \.authenticateMilliseconds, "a WebSocket has to show who it is, where it must"),
        ("open-milliseconds", \.openMilliseconds, "a subscriber waits for its channel to open"),
        ("drain-milliseconds", \.drainMilliseconds, "in which clients are let go after SIGTERM"),
    ]
}

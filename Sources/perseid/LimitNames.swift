import Broker

/// What each limit is called in settings, under `limits` in the file, as `PERSEID_LIMITS_…` in the environment; and in a
/// line what it limits. What happens when it is hit is said in `Limits`.
enum LimitNames {
    /// Whether a running node can go by another limit of this name.
    static func isChangeable(_ name: String) -> Bool {
        name.hasSuffix("-per-second-max") && (name.hasPrefix("address-") || name.hasPrefix("user-"))
            || ["burst-milliseconds", "sessions-per-address-max", "sessions-per-user-max"].contains(name)
    }

    /// Takes over those that a running node can change.
    static func takeChangeable(of other: Limits, into limits: inout Limits) {
        for (name, path, _) in counts + rates where isChangeable(name) { limits[keyPath: path] = other[keyPath: path] }
        for (name, path, _) in times where isChangeable(name) { limits[keyPath: path] = other[keyPath: path] }
    }

    static let counts: [(String, any WritableKeyPath<Limits, Int> & Sendable, String)] = [
        ("message-bytes-max", \.messageBytesMax, "bytes of a published payload, or of one message that a client sends"),
        ("cursor-bytes-max", \.cursorBytesMax, "bytes of the longest cursor that a client's channels can come to have"),
        ("request-head-bytes-max", \.requestHeadBytesMax, "bytes of a request's head"),
        (
            "request-target-bytes-max", \.requestTargetBytesMax,
            "bytes of a request's target, which is its path and query"
        ),
        ("token-bytes-max", \.tokenBytesMax, "bytes of an access token"),
        ("tokens-known-max", \.tokensKnownMax, "access tokens that a reactor remembers after it checked them"),
        ("tokens-under-way-max", \.tokensUnderWayMax, "access tokens of one reactor that wait to be checked"),
        ("hook-questions-max", \.hookQuestionsMax, "questions to backends that wait for an answer, for each reactor"),
        ("hook-bytes-max", \.hookBytesMax, "bytes of memory for the questions to backends, for each reactor"),
        ("hook-answer-bytes-max", \.hookAnswerBytesMax, "bytes of a backend's answer, its head and its body each"),
        ("key-set-bytes-max", \.keySetBytesMax, "bytes of a set of keys (JWKS) that the node fetches"),
        ("connections-max", \.connectionsMax, "connections to the node"),
        (
            "connections-per-address-max", \.connectionsPerAddressMax,
            "connections from one address, or from one IPv6 network of 64 bits"
        ),
        (
            "connections-per-user-max", \.connectionsPerUserMax,
            "WebSockets and streams of one user or API key on a node"
        ),
        ("accepts-per-turn-max", \.acceptsPerTurnMax, "connections that a reactor accepts in one turn"),
        (
            "handshakes-waiting-max", \.handshakesWaitingMax,
            "TLS handshakes that may wait for one reactor"
        ),
        ("channels-per-connection-max", \.channelsPerConnectionMax, "channels that one connection is subscribed to"),
        (
            "patterns-per-connection-max", \.patternsPerConnectionMax,
            "patterns, such as `chat/*`, that one connection is subscribed to"
        ),
        ("channels-per-pattern-max", \.channelsPerPatternMax, "channels that one pattern stands for on a node"),
        (
            "heartbeats-per-ping", \.heartbeatsPerPing,
            "how many heartbeats of a WebSocket there are for each one that asks for an answer"
        ),
        ("outbox-bytes-max", \.outboxBytesMax, "bytes of answers and replays that wait for one slow connection"),
        (
            "held-input-bytes-max", \.heldInputBytesMax,
            "bytes of memory for all requests and messages that have not arrived whole"
        ),
        ("held-output-bytes-max", \.heldOutputBytesMax, "bytes of memory for all answers that wait for slow readers"),
        ("poll-bytes-max", \.pollBytesMax, "bytes of payload in the answer to one poll"),
        ("stream-bytes-max", \.streamBytesMax, "bytes of one JSON stream until it is renewed"),
        ("window-bytes-max", \.windowBytesMax, "bytes that a channel keeps for its slow readers"),
        ("logs-bytes-max", \.logsBytesMax, "bytes of memory for what all channels keep for slow readers"),
        (
            "waiting-bytes-max", \.waitingBytesMax,
            "bytes of memory for publications that arrive faster than the node can send them"
        ),
        (
            "replay-ahead-bytes-max", \.replayAheadBytesMax,
            "bytes of what a client missed that the node encodes ahead of what its connection takes"
        ),
        (
            "fanout-quantum-bytes", \.fanoutQuantumBytes,
            "bytes of one channel that a reactor sends before it turns to the next channel"
        ),
        (
            "fanout-quantum-members", \.fanoutQuantumMembers,
            "subscribers of one channel that a reactor sends to before it turns to the next channel"
        ),
        ("history-count-max", \.historyCountMax, "publications that a channel remembers"),
        ("keys-max", \.keysMax, "keys of a keyed channel whose newest publication is kept"),
        (
            "paced-bytes-max", \.pacedBytesMax,
            "bytes of memory for what the node holds back for readers with a `max-rate`"
        ),
        ("embedded-channels-max", \.embeddedChannelsMax, "channels that a node without Redis remembers"),
        ("embedded-bytes-max", \.embeddedBytesMax, "bytes of memory for what a node without Redis remembers"),
        ("read-count-max", \.readCountMax, "publications that one read of history brings"),
        ("read-bytes-max", \.readBytesMax, "bytes of payload that one read of history brings"),
        ("history-bytes-max", \.historyBytesMax, "bytes of payload in one answer to a request for history"),
        (
            "tail-bytes-max", \.tailBytesMax,
            "bytes of recent publications that a node keeps of each channel it listens to"
        ),
        (
            "tails-bytes-max", \.tailsBytesMax,
            "bytes of recent publications that a node keeps of all channels it listens to"
        ),
        ("replay-bytes-max", \.replayBytesMax, "bytes of payload that the node holds for one client of what it missed"),
        (
            "recoveries-bytes-max", \.recoveriesBytesMax,
            "bytes of payload that arrived and waits until the node has read what came before it"
        ),
        ("inbox-depth-max", \.inboxDepthMax, "publications that wait for one reactor"),
        (
            "redis-requests-max", \.redisRequestsMax,
            "publishes that Redis has not answered, and as many requests for sessions and presence"
        ),
        (
            "redis-bytes-max", \.redisBytesMax,
            "bytes of memory for publishes that Redis has not answered, and as much for requests for sessions and presence"
        ),
        ("redis-reply-bytes-max", \.redisReplyBytesMax, "bytes of one answer or message from Redis"),
        ("redis-questions-max", \.redisQuestionsMax, "requests for history, presence and counts that wait for Redis"),
        ("redis-reads-max", \.redisReadsMax, "reads for live subscribers that Redis has not answered"),
        (
            "redis-subscriptions-max", \.redisSubscriptionsMax,
            "subscriptions that the node began or ended and that a Redis master has not acknowledged"
        ),
        (
            "lingering-channels-max", \.lingeringChannelsMax,
            "channels that the node still listens to although their last subscriber has gone"
        ),
        ("sessions-max", \.sessionsMax, "sessions of the node, held or waiting to be resumed"),
        (
            "checkpoints-per-tick-max", \.checkpointsPerTickMax,
            "sessions whose position a reactor begins to note in one tick of 250 ms"
        ),
        (
            "redis-bulk-max", \.redisBulkMax,
            "requests for sessions and presence that the node sends to Redis at the same time"
        ),
        ("presence-members-max", \.presenceMembersMax, "members that one answer lists"),
        (
            "member-details-bytes-max", \.memberDetailsBytesMax,
            "bytes of what others are told of a member: user and details"
        ),
        (
            "cluster-questions-max", \.clusterQuestionsMax,
            "questions of operators to all nodes that one node is waiting for"
        ),
        ("cluster-answer-bytes-max", \.clusterAnswerBytesMax, "bytes of what nodes tell an operator of their clients"),
        ("revocations-max", \.revocationsMax, "tokens and users that are revoked at the same time"),
        (
            "sessions-per-address-max", \.sessionsPerAddressMax,
            "sessions that clients of one address open within the time to resume"
        ),
        (
            "sessions-per-user-max", \.sessionsPerUserMax,
            "sessions that one user or API key opens within the time to resume"
        ),
        (
            "user-ahead-percent", \.userAheadPercent,
            "percent of a user's burst that one reactor grants before the cluster knows of it"
        ),
        (
            "users-ahead-max", \.usersAheadMax,
            "pairs of a user and a limit of which a reactor has not told the cluster yet what was used"
        ),
        (
            "stall-bytes-min", \.stallBytesMin,
            "bytes that a slow client must take within `stall-milliseconds`, and of the last ones within `close-milliseconds`"
        ),
        (
            "replies-bytes-max", \.repliesBytesMax,
            "bytes of replies that may wait for a client before the node looks at its next command"
        ),
        ("compressed-feeds-max", \.compressedFeedsMax, "feeds whose messages the node compresses together"),
        (
            "compression-flush-bytes", \.compressionFlushBytes,
            "bytes after which a compressed feed may begin anew, so that waiting readers can join it"
        ),
        (
            "compressed-message-bytes-min", \.compressedMessageBytesMin,
            "bytes that a message must have to be worth compressing"
        ),
        ("commands-under-way-max", \.commandsUnderWayMax, "commands of one WebSocket that Redis has not answered"),
        ("commands-per-message-max", \.commandsPerMessageMax, "commands in one WebSocket message"),
        (
            "command-bytes-under-way-max", \.commandBytesUnderWayMax,
            "bytes of payload in the commands of one WebSocket that Redis has not answered"
        ),
        (
            "count-renewals-per-second-max", \.countRenewalsPerSecondMax,
            "subscriber counts that a node renews in Redis within a second"
        ),
        (
            "channel-changes-per-second-max", \.channelChangesPerSecondMax,
            "channels that one client subscribes to or leaves within a second"
        ),
    ]

    /// Of these 0 is no limit.
    static let rates: [(String, any WritableKeyPath<Limits, Int> & Sendable, String)] = [
        (
            "address-connects-per-second-max", \.addressConnectsPerSecondMax,
            "connections from one address; 0 is no limit"
        ),
        ("address-requests-per-second-max", \.addressRequestsPerSecondMax, "requests from one address; 0 is no limit"),
        (
            "address-publishes-per-second-max", \.addressPublishesPerSecondMax,
            "publications from one address; 0 is no limit"
        ),
        (
            "address-publish-bytes-per-second-max", \.addressPublishBytesPerSecondMax,
            "bytes of publications from one address; 0 is no limit"
        ),
        (
            "address-subscribes-per-second-max", \.addressSubscribesPerSecondMax,
            "subscriptions that one address begins; 0 is no limit"
        ),
        (
            "address-calls-per-second-max", \.addressCallsPerSecondMax,
            "calls of services from one address; 0 is no limit"
        ),
        (
            "address-presence-per-second-max", \.addressPresencePerSecondMax,
            "requests from one address to see who is present; 0 is no limit"
        ),
        (
            "address-history-per-second-max", \.addressHistoryPerSecondMax,
            "requests from one address for history; 0 is no limit"
        ),
        (
            "address-tokens-refused-per-second-max", \.addressTokensRefusedPerSecondMax,
            "invalid access tokens from one address; 0 is no limit"
        ),
        ("user-requests-per-second-max", \.userRequestsPerSecondMax, "requests of one user or API key; 0 is no limit"),
        (
            "user-publishes-per-second-max", \.userPublishesPerSecondMax,
            "publications of one user or API key; 0 is no limit"
        ),
        (
            "user-publish-bytes-per-second-max", \.userPublishBytesPerSecondMax,
            "bytes of publications of one user or API key; 0 is no limit"
        ),
        (
            "user-subscribes-per-second-max", \.userSubscribesPerSecondMax,
            "subscriptions that one user or API key begins; 0 is no limit"
        ),
        (
            "user-calls-per-second-max", \.userCallsPerSecondMax,
            "calls of services by one user or API key; 0 is no limit"
        ),
        (
            "user-presence-per-second-max", \.userPresencePerSecondMax,
            "requests of one user or API key to see who is present; 0 is no limit"
        ),
        (
            "user-history-per-second-max", \.userHistoryPerSecondMax,
            "requests of one user or API key for history; 0 is no limit"
        ),
        (
            "overload-memory-bytes", \.overloadMemoryBytes,
            "bytes of memory of the process above which the node takes no new clients; 0 is no limit"
        ),
    ]

    static let times: [(String, any WritableKeyPath<Limits, UInt64> & Sendable, String)] = [
        (
            "burst-milliseconds", \.burstMilliseconds,
            "how long an address or user may save up its rates: at 10000 it may have ten times as much at once as in a second"
        ),
        (
            "overload-lag-milliseconds", \.overloadLagMilliseconds,
            "length of a reactor's turn above which the node takes no new clients"
        ),
        (
            "compression-idle-milliseconds", \.compressionIdleMilliseconds,
            "time without a message after which a compressed feed gives back its memory"
        ),
        ("request-milliseconds", \.requestMilliseconds, "time in which a client has to send a whole request"),
        (
            "key-set-timeout-milliseconds", \.keySetTimeoutMilliseconds,
            "time in which the server of a set of keys has to answer"
        ),
        (
            "key-set-milliseconds", \.keySetMilliseconds,
            "how long the node uses a set of keys whose server does not say how long it is valid"
        ),
        (
            "key-set-milliseconds-min", \.keySetMillisecondsMin,
            "how long the node uses a set of keys at least, even if its server says less"
        ),
        (
            "key-set-milliseconds-max", \.keySetMillisecondsMax,
            "how long the node uses a set of keys at most, even if its server says more"
        ),
        (
            "key-set-pause-milliseconds", \.keySetPauseMilliseconds,
            "time between two fetches of a set of keys when tokens name unknown keys, and the longest after failures"
        ),
        ("keep-alive-milliseconds", \.keepAliveMilliseconds, "time that a connection may be idle between two requests"),
        (
            "close-milliseconds", \.closeMilliseconds,
            "time in which a client has to take `stall-bytes-min` of the last bytes before the node closes the connection, "
                + "again and again until it has them all"
        ),
        (
            "heartbeat-milliseconds", \.heartbeatMilliseconds,
            "time without a message after which the node sends a heartbeat"
        ),
        ("poll-milliseconds", \.pollMilliseconds, "time that the node holds a poll when there is no message"),
        ("stream-milliseconds", \.streamMilliseconds, "age of a JSON stream until it is renewed"),
        (
            "stall-milliseconds", \.stallMilliseconds,
            "time that a client may read nothing although something waits for it"
        ),
        (
            "fanout-slice-microseconds", \.fanoutSliceMicroseconds,
            "time that a reactor spends on sending in one turn before it looks for new input"
        ),
        (
            "client-slice-microseconds", \.clientSliceMicroseconds,
            "time that one client's requests and commands get in a turn"
        ),
        ("input-slice-microseconds", \.inputSliceMicroseconds, "time that the input of all clients gets in a turn"),
        (
            "handshake-slice-microseconds", \.handshakeSliceMicroseconds,
            "time that the TLS handshakes of all clients get in a turn"
        ),
        (
            "accept-pause-milliseconds", \.acceptPauseMilliseconds,
            "time for which a reactor accepts nobody when the process has no descriptor left"
        ),
        ("history-milliseconds", \.historyMilliseconds, "age up to which a channel remembers a publication"),
        (
            "keys-milliseconds", \.keysMilliseconds,
            "age up to which a keyed channel keeps the newest publication of a key"
        ),
        (
            "head-milliseconds", \.headMilliseconds,
            "how long a channel's last position is known after its last publication"
        ),
        (
            "idempotency-milliseconds", \.idempotencyMilliseconds,
            "how long a repeated `Idempotency-Key` is answered with the first one's position"
        ),
        (
            "linger-milliseconds", \.lingerMilliseconds,
            "how long a node listens to a channel after its last subscriber has gone"
        ),
        (
            "node-lease-milliseconds", \.nodeLeaseMilliseconds,
            "how long a node that was killed is still listed in Redis"
        ),
        ("redis-milliseconds", \.redisMilliseconds, "time in which Redis has to answer"),
        (
            "redis-milliseconds-max", \.redisMillisecondsMax,
            "longest that `redis-milliseconds` becomes: it doubles if Redis is silent again before the node caught up"
        ),
        ("durable-milliseconds", \.durableMilliseconds, "time in which replicas must have what a rule calls `durable`"),
        (
            "reconnect-milliseconds-min", \.reconnectMillisecondsMin,
            "longest pause before the first attempt to reach Redis again; it doubles with each attempt"
        ),
        (
            "reconnect-milliseconds-max", \.reconnectMillisecondsMax,
            "longest pause before any attempt to reach Redis again"
        ),
        (
            "count-lease-milliseconds", \.countLeaseMilliseconds,
            "how long the subscriber counts of a node that was killed stay in Redis, at least"
        ),
        (
            "session-lease-milliseconds", \.sessionLeaseMilliseconds,
            "how long Redis keeps the sessions of a node that was killed, besides `resume-milliseconds`"
        ),
        (
            "presence-lease-milliseconds", \.presenceLeaseMilliseconds,
            "how long the members of a node that was killed are still listed"
        ),
        ("resume-milliseconds", \.resumeMilliseconds, "time in which a client has to resume its session"),
        (
            "checkpoint-milliseconds", \.checkpointMilliseconds,
            "time between two notes of a session's position in Redis"
        ),
        (
            "cluster-question-milliseconds", \.clusterQuestionMilliseconds,
            "time in which all nodes have to answer an operator's question"
        ),
        (
            "facts-attempt-milliseconds", \.factsAttemptMilliseconds,
            "time between two attempts of a node to tell its state while nobody watches"
        ),
        (
            "authenticate-milliseconds", \.authenticateMilliseconds,
            "time in which a WebSocket has to show a token, where rules demand one"
        ),
        ("open-milliseconds", \.openMilliseconds, "time that a subscriber waits until the node listens to its channel"),
        (
            "drain-milliseconds", \.drainMilliseconds,
            "time after SIGTERM in which the node sends its clients away, a few at a time"
        ),
    ]
}

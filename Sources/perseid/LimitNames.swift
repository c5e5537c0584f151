import Broker

/// What each limit is called in settings: under `limits` in the file, as `PERSEID_LIMITS_…` in the environment.
enum LimitNames {
    static let counts: [(String, any WritableKeyPath<Limits, Int> & Sendable)] = [
        ("message-bytes-max", \.messageBytesMax),
        ("request-head-bytes-max", \.requestHeadBytesMax),
        ("request-target-bytes-max", \.requestTargetBytesMax),
        ("connections-max", \.connectionsMax),
        ("connections-per-address-max", \.connectionsPerAddressMax),
        ("accepts-per-turn-max", \.acceptsPerTurnMax),
        ("channels-per-connection-max", \.channelsPerConnectionMax),
        ("outbox-bytes-max", \.outboxBytesMax),
        ("poll-bytes-max", \.pollBytesMax),
        ("stream-bytes-max", \.streamBytesMax),
        ("window-bytes-max", \.windowBytesMax),
        ("history-count-max", \.historyCountMax),
        ("read-count-max", \.readCountMax),
        ("tail-bytes-max", \.tailBytesMax),
        ("inbox-depth-max", \.inboxDepthMax),
        ("redis-requests-max", \.redisRequestsMax),
        ("checkpoints-per-tick-max", \.checkpointsPerTickMax),
        ("redis-bulk-max", \.redisBulkMax),
        ("presence-members-max", \.presenceMembersMax),
        ("refused-tokens-per-address-max", \.refusedTokensPerAddressMax),
    ]

    static let times: [(String, any WritableKeyPath<Limits, UInt64> & Sendable)] = [
        ("request-milliseconds", \.requestMilliseconds),
        ("keep-alive-milliseconds", \.keepAliveMilliseconds),
        ("close-milliseconds", \.closeMilliseconds),
        ("heartbeat-milliseconds", \.heartbeatMilliseconds),
        ("poll-milliseconds", \.pollMilliseconds),
        ("stream-milliseconds", \.streamMilliseconds),
        ("stall-milliseconds", \.stallMilliseconds),
        ("fanout-slice-microseconds", \.fanoutSliceMicroseconds),
        ("history-milliseconds", \.historyMilliseconds),
        ("head-milliseconds", \.headMilliseconds),
        ("idempotency-milliseconds", \.idempotencyMilliseconds),
        ("linger-milliseconds", \.lingerMilliseconds),
        ("node-lease-milliseconds", \.nodeLeaseMilliseconds),
        ("redis-milliseconds", \.redisMilliseconds),
        ("reconnect-milliseconds-min", \.reconnectMillisecondsMin),
        ("reconnect-milliseconds-max", \.reconnectMillisecondsMax),
        ("count-lease-milliseconds", \.countLeaseMilliseconds),
        ("presence-lease-milliseconds", \.presenceLeaseMilliseconds),
        ("resume-milliseconds", \.resumeMilliseconds),
        ("checkpoint-milliseconds", \.checkpointMilliseconds),
        ("open-milliseconds", \.openMilliseconds),
        ("drain-milliseconds", \.drainMilliseconds),
    ]
}

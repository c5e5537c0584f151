/// Every limit of a node: its unit is in its name, its default is here, and its comment says what happens when it is hit
/// and which metric counts that.
public struct Limits: Sendable, Equatable {
    // MARK: Requests and messages

    /// A published payload or a client's WebSocket message. Hit: The node answers 413, or closes the WebSocket with 1009;
    /// `perseid_rejections_total`.
    public var messageBytesMax = 65_536

    /// The longest cursor that the channels of a stream or a poll can come to have. Hit: The node answers 400, because the client could
    /// not come back with such a cursor; `perseid_rejections_total`. The default has room for 128 channels like `org42/room/<uuid>`, 94
    /// bytes each.
    public var cursorBytesMax = 12_288

    /// A request's target. Hit: The node answers 414; `perseid_rejections_total`. The default has room for the longest cursor, which
    /// grows to five thirds at most when it is encoded once more (`%2F` becomes `%252F`), and for the names of its channels: 20,480 +
    /// 12,288.
    public var requestTargetBytesMax = 40_960

    /// A request's head. Hit: The node answers 431; `perseid_rejections_total`. The default has room for the longest target, the
    /// longest cursor as `Last-Event-ID`, and 12 KiB of cookies and whatever else browsers and proxies add.
    public var requestHeadBytesMax = 65_536

    /// Time a client has to send a whole request. Hit: The node answers 408 and closes the connection; `perseid_timeouts_total`.
    public var requestMilliseconds: UInt64 = 10_000

    /// Time a connection may idle between requests. Hit: The node closes the connection; `perseid_timeouts_total`.
    public var keepAliveMilliseconds: UInt64 = 75_000

    /// Time in which a peer has to take `stall-bytes-min` of our last bytes, again and again until it has them all. Hit: The node resets
    /// the connection.
    public var closeMilliseconds: UInt64 = 5_000

    // MARK: Identity

    /// An access token. Hit: The node answers 401; `perseid_access_tokens_refused_total`. The default is more than a token needs that
    /// names a few hundred channels.
    public var tokenBytesMax = 8_192

    /// Tokens of which a reactor knows for a while what they say. Hit: The reactor forgets the oldest, and checks it again when a
    /// client shows it again.
    public var tokensKnownMax = 16_384

    /// Tokens that a reactor has looked at at a time: a fifth of a second's worth of asymmetric signatures. Hit: The node answers 503
    /// with `Retry-After`; `perseid_access_tokens_refused_total`.
    public var tokensUnderWayMax = 1_024

    /// Questions to backends that wait for a reactor. Hit: The node goes on as if the backend did not answer;
    /// `perseid_hook_questions_refused_total`.
    public var hookQuestionsMax = 4_096

    /// Memory for those of one reactor. Hit: The node goes on as if the backend did not answer; `perseid_hook_questions_refused_total`.
    public var hookBytesMax = 16_777_216

    /// An answer of a backend, its head and its body each. Hit: The node goes on as if the backend did not answer;
    /// `perseid_hook_failures_total`. The default has room for the longest payload when it is escaped or base64.
    public var hookAnswerBytesMax = 262_144

    /// A set of keys that is fetched. Hit: The node does not use the set; `perseid_key_set_failures_total`.
    public var keySetBytesMax = 262_144

    /// Time that the server of a set of keys has. Hit: The node asks again later; `perseid_key_set_failures_total`.
    public var keySetTimeoutMilliseconds: UInt64 = 5_000

    /// Age of a set that does not say how old it may become; it is fetched anew after three quarters of it. Not a failure.
    public var keySetMilliseconds: UInt64 = 3_600_000

    /// Ages that are believed of one that does.
    public var keySetMillisecondsMin: UInt64 = 60_000
    public var keySetMillisecondsMax: UInt64 = 86_400_000

    /// Between two fetches of a set because tokens name a key that nobody knows, and the longest between two after failures. Hit: The
    /// node refuses the token with 401; `perseid_access_tokens_refused_total`.
    public var keySetPauseMilliseconds: UInt64 = 30_000

    // MARK: Connections

    /// Connections of a node. Hit: The node closes the connection at once; `perseid_connections_refused_total`.
    public var connectionsMax = 1_000_000

    /// Connections from one address, or one IPv6 network of 64 bits. Hit: The node closes the connection at once;
    /// `perseid_connections_refused_total`. The default leaves a load balancer, which is one address, alone.
    public var connectionsPerAddressMax = 1_000_000

    /// Connections of one user or API key that read, on one node: WebSockets and streams. Hit: The node answers 429 with `Retry-After`,
    /// or an error with `retry`; `perseid_over_limit_total`. Together with `channelsPerConnectionMax` this bounds how many
    /// subscriptions a user has.
    public var connectionsPerUserMax = 1_000_000

    // Rates of single addresses (IPv6 networks of 64 bits), which hold for a node, and of users and API keys, which hold for the
    // cluster. 0 is no limit. Off by default: an address may be a load balancer, and a key a backend. Hit: 429 with `Retry-After`,
    // or an error with `retry`; `perseid_over_limit_total`, by limit and by whose it is. They change with the settings while the
    // node runs.

    /// What an address, a user or a key that wanted nothing for so long may have at once: at 10 s ten times what it has a second.
    public var burstMilliseconds: UInt64 = 10_000

    /// Connections of an address. Hit: The node closes the connection at once; `perseid_over_limit_total`,
    /// `perseid_connections_refused_total`.
    public var addressConnectsPerSecondMax = 0

    /// Requests of an address.
    public var addressRequestsPerSecondMax = 0

    /// Publications of an address, in whatever way it publishes, and their bytes.
    public var addressPublishesPerSecondMax = 0
    public var addressPublishBytesPerSecondMax = 0

    /// Channels that an address begins to read; with each poll anew.
    public var addressSubscribesPerSecondMax = 0

    /// Calls of services by an address: each costs a backend a request.
    public var addressCallsPerSecondMax = 0

    /// Questions of an address for who is present, and for what a channel remembers: each costs Redis an answer that may be large.
    public var addressPresencePerSecondMax = 0
    public var addressHistoryPerSecondMax = 0

    /// Tokens of an address that are none. Hit: The node refuses every token from this address that it does not know already, without
    /// checking it.
    public var addressTokensRefusedPerSecondMax = 0

    /// The same of a user, or of an API key.
    public var userRequestsPerSecondMax = 0
    public var userPublishesPerSecondMax = 0
    public var userPublishBytesPerSecondMax = 0
    public var userSubscribesPerSecondMax = 0
    public var userCallsPerSecondMax = 0
    public var userPresencePerSecondMax = 0
    public var userHistoryPerSecondMax = 0

    /// What a user or a key may have from one reactor before the cluster knows of it, in hundredths of what can be saved up. After a
    /// quarter of that the cluster is told, and nobody waits for its answer. Hit: The node answers 429 until the cluster has answered,
    /// or does what the setting `rates.without-redis` says; `perseid_rates_ahead_total`. So all nodes together exceed a limit by no
    /// more than this, once for each reactor, and the user has to make up for it. This happens only to users who use three sixteenths
    /// of their burst within one round trip to Redis.
    public var userAheadPercent = 25

    /// Users and keys of which a reactor knows what it has not told the cluster, for each of their limits: 32 bytes each. Hit: The
    /// reactor forgets the pair with the least use, so that this user may have that much more; `perseid_rates_forgotten_total`.
    public var usersAheadMax = 4_096

    // MARK: Overload

    /// Turn of a reactor that is too long, in two seconds in a row. Hit: The node takes no new clients until turns were half as long
    /// for five seconds: `/readyz` is red, and it answers new requests with 503 and `Retry-After`; `perseid_overloaded`,
    /// `perseid_shed_total`. A healthy turn takes some milliseconds, because each of its parts has a limit.
    public var overloadLagMilliseconds: UInt64 = 1_000

    /// Memory of the process that is too much, 0 for none: less than what the system would end it for. Hit: The node takes no new
    /// clients until it uses a sixteenth less; `perseid_overloaded`, `perseid_shed_total`. What clients hold has limits of its own,
    /// under which the node closes the connections that hold it for longest; that is no reason to turn others away.
    public var overloadMemoryBytes = 0

    /// Connections a reactor accepts in one turn, so that a storm cannot starve live subscribers: what is not accepted waits in the
    /// kernel, and not in front of what is published. Hit: The others wait in the kernel until the reactor's next turn.
    public var acceptsPerTurnMax = 8

    /// Time that handshakes of TLS get in a turn, of which one may exceed it: one with an RSA key takes longer than that. Hit: The
    /// other handshakes wait for the next turn; `perseid_tls_handshake_waits_total`.
    public var handshakeSliceMicroseconds: UInt64 = 250

    /// Handshakes of TLS that wait for a reactor. Hit: The reactor accepts no more connections with TLS until fewer wait; they wait in
    /// the kernel.
    public var handshakesWaitingMax = 256

    /// Channels of one connection. Hit: The node answers 400, or sends an error message 400.
    public var channelsPerConnectionMax = 128

    /// Patterns of one connection, each of which stands for many channels. Hit: The node answers 400, or sends an error message 400.
    public var patternsPerConnectionMax = 16

    /// Channels that one pattern stands for on a node. Hit: The pattern's readers do not get what is published to further channels;
    /// `perseid_pattern_channels_refused_total`. Each channel costs some 2 KiB, and what the node remembers of its publications.
    public var channelsPerPatternMax = 10_000

    /// Silence after which a stream gets a heartbeat. Not a failure.
    public var heartbeatMilliseconds: UInt64 = 25_000

    /// Heartbeats of a WebSocket of which one asks for an answer; with 1 each of them does. A client that is gone behind a system that
    /// lives, such as a balancer's, is found so many heartbeats and one more later: within 100 s. Hit: The node closes a connection
    /// whose client does not answer until the next heartbeat; `perseid_timeouts_total`.
    public var heartbeatsPerPing = 3

    /// Time a poll is held when there is nothing to tell. Hit: The node answers without a message, which is no failure;
    /// `perseid_polls_empty_total`.
    public var pollMilliseconds: UInt64 = 25_000

    /// Bytes of payload in the answer to a poll, which the last one may exceed. Hit: The client gets the rest with its next poll, from
    /// the cursor that the answer gives; `perseid_polls_divided_total`.
    public var pollBytesMax = 1_048_576

    /// Bytes of one JSON stream: some clients keep all of a body in memory. Hit: The node ends the stream after a whole message, and
    /// the client goes on with a new stream from its cursor; `perseid_streams_renewed_total`.
    public var streamBytesMax = 16_777_216

    /// Age of a JSON stream, each up to a quarter less, so that streams find their way to nodes that were started later. Hit: The node
    /// ends the stream, and the client goes on with a new one from its cursor; `perseid_streams_renewed_total`.
    public var streamMilliseconds: UInt64 = 1_800_000

    /// Time a peer that reads nothing may block its connection. Hit: The node closes the connection; `perseid_timeouts_total`.
    public var stallMilliseconds: UInt64 = 60_000

    /// Bytes that such a peer must take within that time, or it is taken for one that reads nothing.
    public var stallBytesMin = 4_096

    /// Replies, replays and pongs waiting for one slow connection, with what it costs to keep them, to which one more may be added
    /// whatever its size. Hit: The node closes the connection at once, because there is no room to say why;
    /// `perseid_policy_actions_total`.
    public var outboxBytesMax = 1_048_576

    /// Of those, how much may wait before the client's next command is looked at. Hit: The client's next command waits until the client
    /// has read replies. The default is more than a replay encodes ahead (`replayAheadBytesMax` and a message); otherwise a client that
    /// is being told what it missed could not unsubscribe meanwhile.
    public var repliesBytesMax = 262_144

    /// Memory of a node for requests and messages that are not whole yet. Hit: The node refuses those that began first with 503, and
    /// closes such WebSockets; `perseid_evictions_total`, `perseid_held_bytes`.
    public var heldInputBytesMax = 33_554_432

    /// Memory of a node for answers that wait for slow readers. Hit: The node closes the connections that took nothing for longest;
    /// `perseid_evictions_total`, `perseid_held_bytes`.
    public var heldOutputBytesMax = 33_554_432

    /// Pause in accepting when the system has no descriptor or memory left. Hit: New connections wait in the kernel;
    /// `perseid_connections_refused_total`.
    public var acceptPauseMilliseconds: UInt64 = 250

    // MARK: What a client may make of a node's time

    /// Time one client's requests and commands get in a turn. Hit: The rest waits for the next turn, behind what all other clients
    /// sent. Some fifteen publishes take 100 µs. Two hundred clients that send more than that delay nobody by more than
    /// `inputSliceMicroseconds`.
    public var clientSliceMicroseconds: UInt64 = 100

    /// Time that all clients' input gets in a turn, and each other kind of work that comes by the thousand (timers that are due, polls
    /// that are answered, joins that are ready). Hit: The rest waits for the next turn.
    public var inputSliceMicroseconds: UInt64 = 500

    /// Commands of one WebSocket that the backplane was asked for and has not answered. Hit: The client's next command waits;
    /// `perseid_budget_waits_total`. With the default, twenty clients that publish as fast as they can have 160 commands in front of
    /// somebody else's; with 64 each they made live readers' p99 13 times as long as in quiet (case `publishes-unread` of the siege,
    /// with Redis).
    public var commandsUnderWayMax = 8

    /// Bytes of payload in those, which one more may exceed. Hit: The client's next command waits; `perseid_budget_waits_total`.
    public var commandBytesUnderWayMax = 1_048_576

    /// Commands in one WebSocket message, which is then an array. Hit: The node answers all of them with an error;
    /// `perseid_rejections_total`.
    public var commandsPerMessageMax = 128

    /// Channels that one client makes the node begin or cease to hear within a second: twice as many as it may have, so that it can
    /// exchange all of them. Hit: The client's next command waits; `perseid_budget_waits_total`.
    public var channelChangesPerSecondMax = 256

    // MARK: Fan-out

    /// Bytes a channel keeps for its slow readers, per reactor and encoding. Hit: The node does what the channel's policy says: it
    /// disconnects the reader, or lets it miss something; `perseid_policy_actions_total`.
    public var windowBytesMax = 1_048_576

    /// Memory of a node for the logs of all channels. Hit: Each channel keeps only its share, down to nothing but the publication that
    /// a reader is in the middle of; `perseid_log_bytes`.
    public var logsBytesMax = 16_777_216

    /// Time a reactor fans out before it looks at its poller again. Hit: The reactor goes on in its next turn.
    public var fanoutSliceMicroseconds: UInt64 = 2_000

    /// Memory of a node for publications to channels that have four windows which were not sent to everyone yet. Hit: The node reads
    /// such a channel from history as soon as it has room, and tells readers of a gap where history no longer has everything;
    /// `perseid_channels_full_total`.
    public var waitingBytesMax = 33_554_432

    /// Bytes of what a client missed that are made into frames ahead of its connection. What a slow one leaves of them waits
    /// for it; the rest waits as publications, which all who missed the same share.
    public var replayAheadBytesMax = 16_384

    /// Bytes of one channel that are sent before the next channel has its turn. Hit: The channel goes on after the others. To copy a
    /// mebibyte takes some 200 µs; 32 members, which end a channel's turn as well, get that much only if each is sent 32 KiB.
    public var fanoutQuantumBytes = 1_048_576

    /// Members of one channel that are sent to before the next one has its turn. At some 7 µs a send, 32 are a quarter of a
    /// millisecond: so long may a channel with ten subscribers wait for each one with ten thousand. More than 64 are as 64: so
    /// many are sent with one system call.
    public var fanoutQuantumMembers = 32

    // MARK: Compression

    /// Feeds of a node that are compressed with what came before: each has a window of 70 KiB. Hit: Readers of further feeds get
    /// uncompressed messages; `perseid_compression_windows_refused_total`.
    public var compressedFeedsMax = 256

    /// Bytes of messages after which a compressed feed may begin anew, so that those who wait can read on with it; until then they
    /// are sent what is not compressed. Not a failure; `perseid_compression_flushes_total`. To begin anew costs all readers about
    /// three messages: after 100 ticks of 170 bytes that is a twentieth of the bytes, after 50 a tenth.
    public var compressionFlushBytes = 16_384

    /// Bytes of a message that is worth compressing on a WebSocket. Below: it is sent as it is;
    /// `perseid_compression_left_alone_total`.
    public var compressedMessageBytesMin = 32

    /// Time without a message after which a feed gives its window back. Not a failure: the next message begins anew, with a new one.
    public var compressionIdleMilliseconds: UInt64 = 60_000

    // MARK: Channels and history

    /// Publications a channel remembers. Hit: The channel forgets the oldest; a client that would need it is told of a gap.
    public var historyCountMax = 100

    /// Publications one read of history brings at most. Hit: The node asks for the rest with another read.
    public var readCountMax = 10_000

    /// Bytes one read of history brings at most to a node that fills a hole or serves who comes back; a single publication may exceed
    /// it. Hit: The node asks for the rest with another read.
    public var readBytesMax = 262_144

    /// Bytes of one answer to a request for history, payloads with 128 for each publication; a single one may exceed it. An answer
    /// waits in memory for as long as its client takes to read it. Hit: The answer says `"more":true`, and the client goes on from the
    /// last position in it; `perseid_history_divided_total`.
    public var historyBytesMax = 262_144

    /// Memory for what is held back for readers that are told less often than there is something, of all channels together; one channel
    /// holds `keysMax` publications back at most, or its window. Hit: The node sends a batch before its time;
    /// `perseid_pace_hurries_total`.
    public var pacedBytesMax = 67_108_864

    /// Age of a publication that is remembered.
    public var historyMilliseconds: UInt64 = 300_000

    /// Keys of a keyed channel whose newest publication is kept. A newcomer is told all of them, so this is how long that takes: 1,000
    /// of 170 bytes are 200 KB. Hit: The channel forgets the key that was silent longest; a client that comes back from before that is
    /// told of a gap.
    public var keysMax = 1_000

    /// Age at which the newest publication of a key is forgotten, as long as a channel's newest position is known.
    public var keysMilliseconds: UInt64 = 86_400_000

    /// Channels that an embedded node remembers. Hit: The node forgets those without readers; a client that comes back to one is told
    /// of a gap; `perseid_embedded_channels`.
    public var embeddedChannelsMax = 50_000

    /// Memory for what an embedded node remembers of all channels together: publications and idempotency keys with their overhead. Hit:
    /// The node brings channels down to their share, those without readers first, and tells clients that come back for what is gone of
    /// a gap; `perseid_embedded_bytes`.
    public var embeddedBytesMax = 33_554_432

    /// How long a channel's head outlives its last publication.
    public var headMilliseconds: UInt64 = 86_400_000

    /// How long a repeated idempotency key is answered with the first one's position.
    public var idempotencyMilliseconds: UInt64 = 300_000

    /// Time a node stays subscribed to a channel that lost its last subscriber.
    public var lingerMilliseconds: UInt64 = 5_000

    /// Channels that a node stays subscribed to though nobody wants them. Hit: The node ceases to listen to the channel whose last
    /// subscriber went first; `perseid_channels_lingering`.
    public var lingeringChannelsMax = 10_000

    /// Bytes of recent publications a node keeps of each subscribed channel, to answer those who come back.
    public var tailBytesMax = 262_144

    /// Memory for those of all channels. Hit: The node keeps less of each channel, and answers clients that come back from history
    /// instead; `perseid_tail_bytes`.
    public var tailsBytesMax = 16_777_216

    /// Payload held for one client of what it missed in all of its channels, and one publication more. Hit: The node reads the rest
    /// when the client has taken this, and subscribes the client behind it; `perseid_replays_divided_total`.
    public var replayBytesMax = 1_048_576

    /// Payload that was heard and waits for a read of what came before it. Hit: The node lets go of the payload, and reads it again
    /// from history.
    public var recoveriesBytesMax = 33_554_432

    // MARK: Between threads and nodes

    /// Publications waiting for one reactor. Hit: The node tells the reactor later which channels have news, and the reactor reads them
    /// from the node's recent publications; `perseid_inbox_overflows_total`.
    public var inboxDepthMax = 65_536

    /// Publishes under way to Redis, and as many requests for sessions and presence. Hit: The node answers 503 with `Retry-After`;
    /// `perseid_publish_refused_total`. It repeats requests for sessions and presence by itself.
    public var redisRequestsMax = 65_536

    /// Bytes that these may hold, each kind for itself, with all that they cost and what is not sent yet: Redis may be slow, or stand
    /// still until `redisMilliseconds` are over. Hit: The node answers 503 with `Retry-After`; `perseid_publish_refused_total`.
    /// `perseid_redis_bytes` shows how much memory is in use.
    public var redisBytesMax = 33_554_432

    /// Bytes of one answer or message from Redis: a node that believes whatever length is announced has no bound. Hit: The node drops
    /// the connection to Redis and makes a new one; `perseid_backplane_losses_total`.
    public var redisReplyBytesMax = 134_217_728

    /// Of those for sessions and presence, which come by the thousand when clients come or go all at once: under way at a time, so that
    /// what is published never waits behind more. As many heads of newly watched channels, and of what is told of users' rates, and an
    /// eighth of it for what clients ask. Hit: Further requests wait for their turn; `perseid_bulk_waiting`.
    public var redisBulkMax = 32

    /// Requests for history, presence and counts that wait for Redis. Hit: The node answers 503 with `Retry-After`.
    public var redisQuestionsMax = 4_096

    /// Reads under way to a master that live subscribers wait for, after a loss of the link one for each channel; fewer where its answers are
    /// late. Hit: Further reads wait for their turn; `perseid_redis_channels_unread`.
    public var redisReadsMax = 256

    /// Channels that a master is asked to have heard, or no longer, and has not acknowledged: a millisecond of Redis, and 150 KB of its query
    /// buffer. There are fewer where its answers are late. Hit: Further channels wait for their turn; `perseid_redis_channels_unheard`.
    public var redisSubscriptionsMax = 512

    /// Time Redis has to answer. Hit: The node drops the connection to Redis and makes a new one, and answers requests with 503.
    public var redisMilliseconds: UInt64 = 3_000

    /// The longest that this time becomes for a Redis that was silent again before all channels were heard and read: it doubles with each
    /// such loss. `perseid_redis_patience_milliseconds`.
    public var redisMillisecondsMax: UInt64 = 12_000

    /// Time that replicas have for what must be on some of them before its publisher is answered (`durable`); half of what Redis has to
    /// answer at most. Hit: The node answers 503, although the message is published; `perseid_durable_misses_total`.
    public var durableMilliseconds: UInt64 = 1_000

    /// First and longest pause between attempts to reach Redis; each is drawn evenly from zero to a doubling bound.
    public var reconnectMillisecondsMin: UInt64 = 50

    /// The longest pause between two attempts; see the least.
    public var reconnectMillisecondsMax: UInt64 = 5_000

    /// Lease of what a node says of itself in Redis, renewed three times within it: so long one that was killed is listed.
    public var nodeLeaseMilliseconds: UInt64 = 30_000

    /// Lease of a node's subscriber counts in Redis, renewed three times within it, and the shortest one; see the next.
    public var countLeaseMilliseconds: UInt64 = 30_000

    /// Counts that a node renews within a second; each costs Redis some 10 µs for as long as anybody reads. Hit: The counts get longer
    /// leases, `perseid_count_lease_seconds`; so a node that was killed is counted for longer: for 17 minutes if it had 17,000
    /// channels.
    public var countRenewalsPerSecondMax = 50

    // MARK: Sessions

    /// Time a client has to resume after its connection was lost. Hit: The session ends, and the node refuses its token;
    /// `perseid_sessions_refused_total`.
    public var resumeMilliseconds: UInt64 = 120_000

    /// Lease of a session that a node holds, in Redis, renewed twice within it: of a million that is 3,300 a second. A node that is killed
    /// leaves its sessions there for so long, and the time to resume.
    public var sessionLeaseMilliseconds: UInt64 = 600_000

    /// Sessions of a node: those that it holds, and those that it let go of and that can still be resumed. Hit: A new client gets no
    /// session and can resume by its cursor only; `perseid_sessions_unopened_total`.
    public var sessionsMax = 250_000

    /// Time between two checkpoints of a session whose client moves on; without a cursor of its own a client gets again
    /// what came since the last one.
    public var checkpointMilliseconds: UInt64 = 5_000

    /// Checkpoints a reactor begins in one tick of 250 ms. Hit: The others wait for the next tick.
    public var checkpointsPerTickMax = 1_000

    /// Sessions opened from one address on a node, or by one user in the cluster: so many at once, and as many again within the time to
    /// resume. Hit: The client gets no session and keeps its cursor, and a Bayeux handshake fails with 429;
    /// `perseid_sessions_unopened_total`, `perseid_over_limit_total`. The default leaves a load balancer, which is one address, alone.
    public var sessionsPerAddressMax = 100_000
    public var sessionsPerUserMax = 100_000

    // MARK: Presence

    /// Lease of a member, renewed three times within it: so long a node that was killed leaves ghosts.
    public var presenceLeaseMilliseconds: UInt64 = 30_000

    /// Members that one answer lists. Hit: The answer counts the others without listing them.
    public var presenceMembersMax = 1_000

    /// Bytes that others see of who a member is: `{"user":…,"info":…}`. Each is in Redis once for each channel, and in each join and
    /// leave. Hit: The node tells others only the user, or nothing if that is too long; `perseid_member_details_left_out_total`.
    public var memberDetailsBytesMax = 1_024

    // MARK: Whoever runs the cluster

    /// Questions to all nodes that a node has under way. Hit: The node answers 503 with `Retry-After`.
    public var clusterQuestionsMax = 64

    /// Time all nodes have to answer one. Hit: The operator gets what has come, with the remark that it is not complete;
    /// `perseid_cluster_questions_incomplete_total`.
    public var clusterQuestionMilliseconds: UInt64 = 2_000

    /// What an answer has room for. Hit: The answer counts the further clients without listing them.
    public var clusterAnswerBytesMax = 262_144

    /// Tokens and users that are taken back at a time. Hit: The node answers 503 with `Retry-After` until one of the revocations ends.
    public var revocationsMax = 100_000

    /// Time between two attempts to say how the node is while nobody listens: so long who opens the console waits for a node at most.
    /// While somebody does, it is said once a second; `perseid_facts_total`.
    public var factsAttemptMilliseconds: UInt64 = 3_000

    // MARK: Waiting

    /// Time a WebSocket has to show a token where nobody may do anything without. Hit: The node sends `bye` 4011 and closes;
    /// `perseid_timeouts_total`.
    public var authenticateMilliseconds: UInt64 = 5_000

    /// Time a subscriber waits for its channel to open. Hit: The node answers 503, or sends an error message 503.
    public var openMilliseconds: UInt64 = 10_000

    /// Time after SIGTERM in which clients are let go in batches.
    public var drainMilliseconds: UInt64 = 20_000

    /// All defaults.
    public init() {}

    /// How long the backplane keeps a session that some node holds, unless it hears of it again: its lease, so a node that is killed leaves
    /// at least the time to resume.
    public var heldSessionMilliseconds: UInt64 { sessionLeaseMilliseconds + resumeMilliseconds }
}

/// Every limit of a node: its unit is in its name, its default is here, and its comment says what happens when it is hit
/// and which metric counts that.
public struct Limits: Sendable, Equatable {
    // MARK: Requests and messages

    /// A published payload or a client's WebSocket message. Hit: 413 or close 1009; `perseid_rejections_total`.
    public var messageBytesMax = 65_536

    /// The longest cursor that the channels of a stream or a poll can come to have. Hit: 400, for its client could not
    /// come back with it; `perseid_rejections_total`. Room for 128 channels like `org42/room/<uuid>`, 94 bytes each.
    public var cursorBytesMax = 12_288

    /// A request's target. Hit: 414; `perseid_rejections_total`. Room for the longest cursor, of which encoding once more
    /// makes five thirds at most (`%2F` becomes `%252F`), and for the names of its channels: 20,480 + 12,288.
    public var requestTargetBytesMax = 40_960

    /// A request's head. Hit: 431; `perseid_rejections_total`. Room for the longest target, for the longest cursor as
    /// `Last-Event-ID`, and for 12 KiB of cookies and whatever else browsers and proxies say.
    public var requestHeadBytesMax = 65_536

    /// Time a client has to send a whole request. Hit: 408 and close; `perseid_timeouts_total`.
    public var requestMilliseconds: UInt64 = 10_000

    /// Time a connection may idle between requests. Hit: close; `perseid_timeouts_total`.
    public var keepAliveMilliseconds: UInt64 = 75_000

    /// Time a peer has to take our last bytes after a close frame or an error. Hit: the connection is reset.
    public var closeMilliseconds: UInt64 = 5_000

    // MARK: Identity

    /// An access token. Hit: 401; `perseid_access_tokens_refused_total`. More than any that names a few hundred channels.
    public var tokenBytesMax = 8_192

    /// Tokens of which a reactor knows for a while what they say. Hit: the older ones are looked at anew when they are shown again.
    public var tokensKnownMax = 16_384

    /// Tokens that a reactor has looked at at a time: a fifth of a second's worth of asymmetric signatures. Hit: 503 with
    /// `Retry-After`; `perseid_access_tokens_refused_total`.
    public var tokensUnderWayMax = 1_024

    /// Questions to backends that wait for a reactor. Hit: as if there were no answer; `perseid_hook_questions_refused_total`.
    public var hookQuestionsMax = 4_096

    /// Memory for those of one reactor. Hit: as if there were no answer; `perseid_hook_questions_refused_total`.
    public var hookBytesMax = 16_777_216

    /// An answer of a backend, its head and its body each. Hit: it is none; `perseid_hook_failures_total`. Room for a payload that is
    /// escaped or base64.
    public var hookAnswerBytesMax = 262_144

    /// A set of keys that is fetched. Hit: it is not taken; `perseid_key_set_failures_total`.
    public var keySetBytesMax = 262_144

    /// Time that the server of a set of keys has. Hit: it is asked again later; `perseid_key_set_failures_total`.
    public var keySetTimeoutMilliseconds: UInt64 = 5_000

    /// Age of a set that does not say how old it may become; it is fetched anew after three quarters of it. Not a failure.
    public var keySetMilliseconds: UInt64 = 3_600_000

    /// Ages that are believed of one that does.
    public var keySetMillisecondsMin: UInt64 = 60_000
    public var keySetMillisecondsMax: UInt64 = 86_400_000

    /// Between two fetches of a set because tokens name a key that nobody knows, and the longest between two after failures. Hit: the
    /// token is refused, 401; `perseid_access_tokens_refused_total`.
    public var keySetPauseMilliseconds: UInt64 = 30_000

    // MARK: Connections

    /// Connections of a node. Hit: the connection is closed at once; `perseid_connections_refused_total`.
    public var connectionsMax = 1_000_000

    /// Connections from one address, or one IPv6 network of 64 bits. Hit: the connection is closed at once;
    /// `perseid_connections_refused_total`. The default leaves a load balancer, which is one address, alone.
    public var connectionsPerAddressMax = 1_000_000

    /// Connections of one user or API key that read, on one node: WebSockets and streams. Hit: 429 with `Retry-After`, or an error
    /// with `retry`; `perseid_over_limit_total`. Together with `channelsPerConnectionMax` it bounds their subscriptions.
    public var connectionsPerUserMax = 1_000_000

    // Rates of single addresses (IPv6 networks of 64 bits), which hold for a node, and of users and API keys, which hold for the
    // cluster. 0 is no limit. Off by default: an address may be a load balancer, and a key a backend. Hit: 429 with `Retry-After`,
    // or an error with `retry`; `perseid_over_limit_total`, by limit and by whose it is. They change with the settings while the
    // node runs.

    /// What an address, a user or a key that wanted nothing for so long may have at once: at 10 s ten times what it has a second.
    public var burstMilliseconds: UInt64 = 10_000

    /// Connections of an address. Hit: the connection is closed at once; also `perseid_connections_refused_total`.
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

    /// Tokens of an address that are none. Hit: no others are looked at that are not known.
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
    /// quarter of that the cluster is told, and nobody waits for its answer. Hit: 429 until the answer is there, or as
    /// the setting `rates.without-redis` says; `perseid_rates_ahead_total`. So all nodes together exceed a limit by no more than
    /// this, once for each reactor, and what they did is owed. To be refused a user has to have three sixteenths of what can be saved
    /// up within one round trip to Redis.
    public var userAheadPercent = 25

    /// Users and keys of which a reactor knows what it has not told the cluster, for each of their limits: 32 bytes each. Hit: who
    /// had the least is forgotten, and has that much more; `perseid_rates_forgotten_total`.
    public var usersAheadMax = 4_096

    // MARK: Overload

    /// Turn of a reactor that is too long, in two seconds in a row. Hit: nobody new is taken until turns are half of that for five
    /// seconds: `/readyz` is red, what comes is answered 503 with `Retry-After`; `perseid_overloaded`, `perseid_shed_total`.
    /// A healthy turn is some milliseconds, its parts have slices.
    public var overloadLagMilliseconds: UInt64 = 1_000

    /// Memory of the process that is too much, 0 for none: less than what the system would end it for. Hit: nobody new is
    /// taken until it is a sixteenth less; `perseid_overloaded`, `perseid_shed_total`. What clients hold has limits of its own, and
    /// who holds it for longest is let go of: that is no reason to turn others away.
    public var overloadMemoryBytes = 0

    /// Connections a reactor accepts in one turn, so that a storm cannot starve live subscribers: what is not accepted
    /// waits in the kernel, and not in front of what is published. Hit: the rest waits for the next turn.
    public var acceptsPerTurnMax = 8

    /// Time that handshakes of TLS get in a turn, of which one may exceed it: one with an RSA key takes longer than that. Hit: the
    /// others wait for the next turn; `perseid_tls_handshake_waits_total`.
    public var handshakeSliceMicroseconds: UInt64 = 250

    /// Handshakes of TLS that wait for a reactor. Hit: no more connections with TLS are accepted until there are fewer; they wait
    /// in the kernel.
    public var handshakesWaitingMax = 256

    /// Channels of one connection. Hit: 400, or an error message 400.
    public var channelsPerConnectionMax = 128

    /// Patterns of one connection, each of which stands for many channels. Hit: 400, or an error message 400.
    public var patternsPerConnectionMax = 16

    /// Channels that one pattern stands for on a node. Hit: others are not heard by it;
    /// `perseid_pattern_channels_refused_total`. Each costs some 2 KiB, and what is remembered of its publications.
    public var channelsPerPatternMax = 10_000

    /// Silence after which a stream gets a heartbeat. Not a failure.
    public var heartbeatMilliseconds: UInt64 = 25_000

    /// Time a poll is held when there is nothing to tell. Hit: it is answered with nothing, which is no failure;
    /// `perseid_polls_empty_total`.
    public var pollMilliseconds: UInt64 = 25_000

    /// Bytes of payload in the answer to a poll, which the last one may exceed. Hit: the rest is for the next poll, from
    /// the cursor that the answer gives; `perseid_polls_divided_total`.
    public var pollBytesMax = 1_048_576

    /// Bytes of one JSON stream: some clients keep all of a body in memory. Hit: it ends with a whole message, and the
    /// client goes on with a new one from its cursor; `perseid_streams_renewed_total`.
    public var streamBytesMax = 16_777_216

    /// Age of a JSON stream, each up to a quarter less, so that streams find their way to nodes that were started later.
    /// Hit: it ends, and the client goes on with a new one from its cursor; `perseid_streams_renewed_total`.
    public var streamMilliseconds: UInt64 = 1_800_000

    /// Time a peer that reads nothing may block its connection. Hit: close; `perseid_timeouts_total`.
    public var stallMilliseconds: UInt64 = 60_000

    /// Bytes that such a peer must take within that time, or it is taken for one that reads nothing.
    public var stallBytesMin = 4_096

    /// Replies, replays and pongs waiting for one slow connection, with what it costs to keep them, to which one more may be
    /// added whatever its size. Hit: the connection is closed at once, for there is no room to say why;
    /// `perseid_policy_actions_total`.
    public var outboxBytesMax = 1_048_576

    /// Of those, how much may wait before the client's next command is looked at. Hit: it waits; so it is the client's own
    /// business to read what it asked for. More than a replay makes ahead (`replayAheadBytesMax`
    /// and a frame), or who is told what he missed
    /// could not unsubscribe meanwhile.
    public var repliesBytesMax = 262_144

    /// Memory of a node for requests and messages that are not whole yet. Hit: those that were begun first are refused with
    /// 503, WebSockets closed; `perseid_evictions_total`, `perseid_held_bytes`.
    public var heldInputBytesMax = 33_554_432

    /// Memory of a node for answers that wait for slow readers. Hit: the connections that took nothing for longest are closed;
    /// `perseid_evictions_total`, `perseid_held_bytes`.
    public var heldOutputBytesMax = 33_554_432

    /// Pause in accepting when the system has no descriptor or memory left. Hit: who comes waits in the kernel;
    /// `perseid_connections_refused_total`.
    public var acceptPauseMilliseconds: UInt64 = 250

    // MARK: What a client may make of a node's time

    /// Time one client's requests and commands get in a turn. Hit: the rest comes in the next, behind everyone else's. 100 µs
    /// are some fifteen publishes; two hundred clients that have more than that to say delay nobody by more than the next
    /// limit.
    public var clientSliceMicroseconds: UInt64 = 100

    /// Time that all clients' input gets in a turn, and each other kind of work that comes by the thousand (timers that are
    /// due, polls that are answered, joins that are ready). Hit: the rest comes in the next turn.
    public var inputSliceMicroseconds: UInt64 = 500

    /// Commands of one WebSocket that the backplane was asked for and has not answered. Hit: the client's next waits;
    /// `perseid_budget_waits_total`. Twenty clients that publish all they can have 160 of them in front of somebody else's;
    /// with 64 each they had the siege's live readers at 13 times their quiet p99 (`publishes-unread`, Redis).
    public var commandsUnderWayMax = 8

    /// Bytes of payload in those, which one more may exceed. Hit: the client's next command waits; `perseid_budget_waits_total`.
    public var commandBytesUnderWayMax = 1_048_576

    /// Commands in one WebSocket message, which is then an array. Hit: an error for all of them; `perseid_rejections_total`.
    public var commandsPerMessageMax = 128

    /// Channels that one client makes the node begin or cease to hear within a second: twice as many as it may have, so that
    /// it can exchange all of them. Hit: the client's next command waits; `perseid_budget_waits_total`.
    public var channelChangesPerSecondMax = 256

    // MARK: Fan-out

    /// Bytes a channel keeps for its slow readers, per reactor and encoding. Hit: the channel's policy;
    /// `perseid_policy_actions_total`.
    public var windowBytesMax = 1_048_576

    /// Memory of a node for the logs of all channels. Hit: the window of each is its share of it, down to nothing but the
    /// publication that a reader is in the middle of; `perseid_log_bytes`.
    public var logsBytesMax = 16_777_216

    /// Time a reactor fans out before it looks at its poller again. Hit: it goes on in its next turn.
    public var fanoutSliceMicroseconds: UInt64 = 2_000

    /// Memory of a node for publications to channels that have four windows which were not sent to everyone yet. Hit: such a
    /// channel is read from history once it has room, and what is no longer there is told as a gap;
    /// `perseid_channels_full_total`.
    public var waitingBytesMax = 33_554_432

    /// Bytes of what a client missed that are made into frames ahead of its connection. What a slow one leaves of them waits
    /// for it; the rest waits as publications, which all who missed the same share.
    public var replayAheadBytesMax = 16_384

    /// Bytes of one channel that are sent before the next channel has its turn. Hit: it goes on behind the others. A mebibyte
    /// is some 200 µs of copying; 32 members, which end its turn as well, get that much only if each is sent 32 KiB.
    public var fanoutQuantumBytes = 1_048_576

    /// Members of one channel that are sent to before the next one has its turn. At some 7 µs a send, 32 are a quarter of a
    /// millisecond: so long may a channel with ten subscribers wait for each one with ten thousand. More than 64 are as 64: so
    /// many are sent with one system call.
    public var fanoutQuantumMembers = 32

    // MARK: Compression

    /// Feeds of a node that are compressed with what came before: each has a window of 70 KiB. Hit: the readers of others are sent
    /// what is not compressed; `perseid_compression_windows_refused_total`.
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

    /// Publications a channel remembers. Hit: the oldest goes; a client that needs it is told of a gap.
    public var historyCountMax = 100

    /// Publications one read of history brings at most. Hit: what lies beyond is asked for again.
    public var readCountMax = 10_000

    /// Bytes one read of history brings at most to a node that fills a hole or serves who comes back; a single publication
    /// may exceed it. Hit: what lies beyond is asked for again.
    public var readBytesMax = 262_144

    /// Bytes of one answer to a request for history, payloads with 128 for each publication; a single one may exceed it.
    /// An answer waits in memory for as long as its client takes to read it. Hit: the answer says `"more":true`, and the
    /// client goes on from its last position; `perseid_history_divided_total`.
    public var historyBytesMax = 262_144

    /// Memory for what is held back for readers that are told less often than there is something, of all channels together; one channel
    /// holds `keysMax` publications back at most, or its window. Hit: a batch is told before its time; `perseid_pace_hurries_total`.
    public var pacedBytesMax = 67_108_864

    /// Age of a publication that is remembered.
    public var historyMilliseconds: UInt64 = 300_000

    /// Keys of a keyed channel whose newest publication is kept. A newcomer is told all of them, so this is how long that takes: 1,000
    /// of 170 bytes are 200 KB. Hit: the key that was silent longest is forgotten; who comes back from before that is told a gap.
    public var keysMax = 1_000

    /// Age at which the newest publication of a key is forgotten, as long as a channel's newest position is known.
    public var keysMilliseconds: UInt64 = 86_400_000

    /// Channels that an embedded node remembers. Hit: those that nobody hears are forgotten, and who comes back to one is told
    /// of a gap; `perseid_embedded_channels`.
    public var embeddedChannelsMax = 50_000

    /// Memory for what an embedded node remembers of all channels together: publications and idempotency keys with their
    /// overhead. Hit: channels are brought down to their share, those that nobody hears first, and who comes back to what is
    /// gone is told of a gap; `perseid_embedded_bytes`.
    public var embeddedBytesMax = 33_554_432

    /// How long a channel's head outlives its last publication.
    public var headMilliseconds: UInt64 = 86_400_000

    /// How long a repeated idempotency key is answered with the first one's position.
    public var idempotencyMilliseconds: UInt64 = 300_000

    /// Time a node stays subscribed to a channel that lost its last subscriber.
    public var lingerMilliseconds: UInt64 = 5_000

    /// Channels that a node stays subscribed to though nobody wants them. Hit: the one that was given up first is let go;
    /// `perseid_channels_lingering`.
    public var lingeringChannelsMax = 10_000

    /// Bytes of recent publications a node keeps of each subscribed channel, to answer those who come back.
    public var tailBytesMax = 262_144

    /// Memory for those of all channels. Hit: they are brought down to their share, and who comes back is answered from
    /// history; `perseid_tail_bytes`.
    public var tailsBytesMax = 16_777_216

    /// Payload held for one client of what it missed in all of its channels, and one publication more. Hit: the rest is read
    /// once the client has that, and it is subscribed behind it; `perseid_replays_divided_total`.
    public var replayBytesMax = 1_048_576

    /// Payload that was heard and waits for a read of what came before it. Hit: it is let go of, and read, too.
    public var recoveriesBytesMax = 33_554_432

    // MARK: Between threads and nodes

    /// Publications waiting for one reactor. Hit: it is told later which channels moved, and fills them from the tail;
    /// `perseid_inbox_overflows_total`.
    public var inboxDepthMax = 65_536

    /// Publishes under way to Redis, and as many requests for sessions and presence. Hit: 503 with `Retry-After`;
    /// `perseid_publish_refused_total`. Requests for sessions and presence are repeated by the node.
    public var redisRequestsMax = 65_536

    /// Bytes that these may hold, each kind for itself, with all that they cost and what is not sent yet: Redis may be slow,
    /// or stand still until `redisMilliseconds` are over. Hit: 503 with
    /// `Retry-After`; `perseid_publish_refused_total`, and `perseid_redis_bytes` shows how much it is.
    public var redisBytesMax = 33_554_432

    /// Bytes of one answer or message from Redis: a node that believes whatever length is announced has no bound. Hit: the
    /// link is dropped and made anew; `perseid_backplane_losses_total`.
    public var redisReplyBytesMax = 134_217_728

    /// Of those for sessions and presence, which come by the thousand when clients come or go all at once: under way at a
    /// time, so that what is published never waits behind more. As many heads of newly watched channels, and of what is told of
    /// users' rates, and an eighth of it for what clients ask. Hit: the rest waits its turn; `perseid_bulk_waiting`.
    public var redisBulkMax = 32

    /// Requests for history, presence and counts that wait for Redis. Hit: 503 with `Retry-After`.
    public var redisQuestionsMax = 4_096

    /// Reads under way that live subscribers wait for, after a loss of the link one for each channel. Hit: the rest waits its
    /// turn.
    public var redisReadsMax = 256

    /// Time Redis has to answer. Hit: the link is dropped and made anew; requests get 503.
    public var redisMilliseconds: UInt64 = 3_000

    /// Time that replicas have for what must be on some of them before its publisher is answered (`durable`); half of what Redis has to
    /// answer at most. Hit: 503, though it is published; `perseid_durable_misses_total`.
    public var durableMilliseconds: UInt64 = 1_000

    /// First and longest pause between attempts to reach Redis; each is drawn evenly from zero to a doubling bound.
    public var reconnectMillisecondsMin: UInt64 = 50

    /// The longest pause between two attempts; see the least.
    public var reconnectMillisecondsMax: UInt64 = 5_000

    /// Lease of what a node says of itself in Redis, renewed three times within it: so long one that was killed is listed.
    public var nodeLeaseMilliseconds: UInt64 = 30_000

    /// Lease of a node's subscriber counts in Redis, renewed three times within it, and the shortest one; see the next.
    public var countLeaseMilliseconds: UInt64 = 30_000

    /// Counts that a node renews within a second; each costs Redis some 10 µs for as long as anybody reads. Hit: the leases are longer,
    /// `perseid_count_lease_seconds`, and so long those of a node that was killed are counted: of 17,000 channels for 17 minutes.
    public var countRenewalsPerSecondMax = 50

    // MARK: Sessions

    /// Time a client has to resume after its connection was lost. Hit: the session ends, its token is refused;
    /// `perseid_sessions_refused_total`.
    public var resumeMilliseconds: UInt64 = 120_000

    /// Lease of a session that a node holds, in Redis, renewed twice within it: of a million that is 3,300 a second. A node that is killed
    /// leaves its sessions there for so long, and the time to resume.
    public var sessionLeaseMilliseconds: UInt64 = 600_000

    /// Sessions of a node: those that it holds, and those that it let go of and that can still be resumed. Hit: a new client
    /// gets no session, only its cursor; `perseid_sessions_unopened_total`.
    public var sessionsMax = 250_000

    /// Time between two checkpoints of a session whose client moves on; without a cursor of its own a client gets again
    /// what came since the last one.
    public var checkpointMilliseconds: UInt64 = 5_000

    /// Checkpoints a reactor begins in one tick of 250 ms. Hit: the rest waits for the next.
    public var checkpointsPerTickMax = 1_000

    /// Sessions opened from one address on a node, or by one user in the cluster: so many at once, and as many again within the time
    /// to resume. Hit: the client gets none and keeps its cursor, a handshake of Bayeux fails with 429;
    /// `perseid_sessions_unopened_total`, `perseid_over_limit_total`. The default leaves a load balancer, which is one address, alone.
    public var sessionsPerAddressMax = 100_000
    public var sessionsPerUserMax = 100_000

    // MARK: Presence

    /// Lease of a member, renewed three times within it: so long a node that was killed leaves ghosts.
    public var presenceLeaseMilliseconds: UInt64 = 30_000

    /// Members that one answer lists. Hit: the others are only counted.
    public var presenceMembersMax = 1_000

    /// Bytes that others see of who a member is: `{"user":…,"info":…}`. Each is in Redis once for each channel, and in each join and
    /// leave. Hit: only the user is told, or nothing; `perseid_member_details_left_out_total`.
    public var memberDetailsBytesMax = 1_024

    // MARK: Whoever runs the cluster

    /// Questions to all nodes that a node has under way. Hit: 503 with Retry-After.
    public var clusterQuestionsMax = 64

    /// Time all nodes have to answer one. Hit: what has come is the answer, and says that it is not complete;
    /// `perseid_cluster_questions_incomplete_total`.
    public var clusterQuestionMilliseconds: UInt64 = 2_000

    /// What an answer has room for. Hit: clients are counted, and the rest of them is not told.
    public var clusterAnswerBytesMax = 262_144

    /// Tokens and users that are taken back at a time. Hit: no more until one of them ends, 507.
    public var revocationsMax = 100_000

    /// Time between two attempts to say how the node is while nobody listens: so long who opens the console waits for a node at most.
    /// While somebody does, it is said once a second; `perseid_facts_total`.
    public var factsAttemptMilliseconds: UInt64 = 3_000

    // MARK: Waiting

    /// Time a WebSocket has to show a token where nobody may do anything without. Hit: `bye` 4011; `perseid_timeouts_total`.
    public var authenticateMilliseconds: UInt64 = 5_000

    /// Time a subscriber waits for its channel to open. Hit: 503 or an error message 503.
    public var openMilliseconds: UInt64 = 10_000

    /// Time after SIGTERM in which clients are let go in batches.
    public var drainMilliseconds: UInt64 = 20_000

    /// All defaults.
    public init() {}

    /// How long the backplane keeps a session that some node holds, unless it hears of it again: its lease, so a node that is killed leaves
    /// at least the time to resume.
    public var heldSessionMilliseconds: UInt64 { sessionLeaseMilliseconds + resumeMilliseconds }
}

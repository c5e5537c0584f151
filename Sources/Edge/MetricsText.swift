internal import Backplane
internal import Broker
internal import Hooks
internal import Hub
internal import Reactor
internal import Wire

/// Writes a node's metrics as Prometheus text, version 0.0.4.
struct MetricsText: ~Copyable {
    private var buffer = ByteBuffer(capacity: 8_192)

    var bytes: UnsafeRawBufferPointer { buffer.bytes }

    init(_ node: NodeStatus, _ configuration: EdgeConfiguration) {
        appendProcess(node, configuration)
        appendConnections(node)
        appendTraffic(node)
        appendSlowReaders(node)
        appendPaces(node)
        appendCompression(node)
        appendSessions(node)
        appendHooks(node)
        appendBackplane(node.uplink)
        appendLatency(node.reactors.map(\.hub.fanoutLatency))
        appendTurns(node.reactors.map(\.turns))
    }

    private mutating func appendConnections(_ node: NodeStatus) {
        begin("perseid_connections", "gauge", "Connections open now.")
        append("{transport=\"http\"}", of: "perseid_connections", sum(node, \.httpConnections))
        for carrier in CarrierID.all where !carrier.traits.contains(.isOneAnswer) {
            let count = node.reactors.reduce(0) { $0 + $1.connections(of: carrier).value }
            append("{transport=\"\(carrier.carrier.name)\"}", of: "perseid_connections", count)
        }
        gauge("perseid_polls", "Polls held now.", sum(node, \.hub.polls))
        counter("perseid_polls_empty_total", "Polls held in vain.", sum(node, \.hub.pollsEmpty))
        counter("perseid_polls_divided_total", "Polls answered with a part.", sum(node, \.hub.pollsDivided))
        counter("perseid_streams_renewed_total", "Streams ended by age or size.", sum(node, \.streamsRenewed))
        counter("perseid_connections_accepted_total", "Connections accepted.", sum(node, \.accepted))
        counter("perseid_connections_refused_total", "Connections refused by a limit.", sum(node, \.refused))
        counter(
            "perseid_timeouts_total",
            "Connections closed, and requests for channels given up, because a time ran out.",
            sum(node, \.timeouts) + sum(node, \.hub.joinsTimedOut)
        )
        counter("perseid_tls_handshakes_total", "Handshakes of TLS.", sum(node, \.tlsHandshakes))
        counter("perseid_tls_handshakes_resumed_total", "Of those, with a ticket.", sum(node, \.tlsHandshakesResumed))
        counter(
            "perseid_tls_sealed_by_kernel_total",
            "Of those, whose records the kernel seals.",
            sum(node, \.tlsSealedByKernel)
        )
        counter("perseid_tls_handshakes_failed_total", "Handshakes that failed.", sum(node, \.tlsHandshakesFailed))
        counter(
            "perseid_tls_handshake_waits_total",
            "Turns that handshakes had to wait.",
            sum(node, \.tlsHandshakeWaits)
        )
        counter("perseid_requests_total", "HTTP requests.", sum(node, \.requests))
        counter("perseid_rejections_total", "Requests and messages refused.", sum(node, \.rejections))
        begin("perseid_websocket_failures_total", "counter", "WebSockets closed for what was sent.")
        for code in EdgeMetrics.failureCodes {
            let count = node.reactors.reduce(0) { $0 + ($1.failures(with: code)?.value ?? 0) }
            append("{code=\"\(code.rawValue)\"}", of: "perseid_websocket_failures_total", count)
        }
        counter("perseid_evictions_total", "Connections closed for the memory they held.", sum(node, \.evictions))
        begin("perseid_held_bytes", "gauge", "Memory held for single clients.")
        append("{direction=\"in\"}", of: "perseid_held_bytes", sum(node, \.heldInputBytes))
        append("{direction=\"out\"}", of: "perseid_held_bytes", sum(node, \.hub.heldOutputBytes))
        append("{direction=\"replay\"}", of: "perseid_held_bytes", sum(node, \.hub.heldReplayBytes))
        counter("perseid_replays_divided_total", "Replays of which a rest was left.", sum(node, \.hub.replaysDivided))
        counter("perseid_budget_waits_total", "Clients that used up a budget.", sum(node, \.budgetWaits))
        begin("perseid_over_limit_total", "counter", "What single clients wanted too often.")
        for scope in MeteredScope.allCases {
            for metered in Metered.allCases {
                let count = node.reactors.reduce(0) { $0 + $1.overLimit(metered, of: scope).value }
                let labels = "{limit=\"\(metered.name)\",of=\"\(scope.name)\"}"
                append(labels, of: "perseid_over_limit_total", count)
            }
        }
        counter(
            "perseid_rates_ahead_total",
            "Of those, what the cluster had to answer first.",
            sum(node, \.usersTooFarAhead)
        )
        counter("perseid_rates_forgotten_total", "Users forgotten before it was told.", sum(node, \.usersForgotten))
        counter("perseid_rate_spendings_total", "Times it was told.", node.uplink.rateSpendings.value)
        counter(
            "perseid_rate_spending_failures_total",
            "Of those, in vain.",
            node.uplink.rateSpendingsFailed.value
        )
        gauge("perseid_overloaded", "Whether the node takes no new clients.", node.overload == nil ? 0 : 1)
        counter("perseid_shed_total", "Requests of new clients refused then.", sum(node, \.shed))
        gauge("perseid_resident_bytes", "Memory of the process.", sum(node, \.residentBytes))
        gauge("perseid_subscriptions", "Subscriptions now.", sum(node, \.hub.subscriptions))
        gauge("perseid_embedded_channels", "Channels remembered in memory.", node.uplink.embeddedChannels.value)
        gauge("perseid_embedded_bytes", "Memory for what is remembered of them.", node.uplink.embeddedBytes.value)
        gauge("perseid_channels", "Channels watched by this node.", node.uplink.channels.value)
        gauge(
            "perseid_count_lease_seconds",
            "How long a subscriber count in Redis outlives this node.",
            node.uplink.countLeaseMilliseconds.value / 1_000
        )
        gauge("perseid_channels_lingering", "Of those, wanted by nobody any more.", node.uplink.lingering.value)
        counter("perseid_channels_refused_total", "Channels that Redis refused.", node.uplink.channelsRefused.value)
    }

    private mutating func appendTraffic(_ node: NodeStatus) {
        counter("perseid_publishes_total", "Publishes asked for by clients.", sum(node, \.publishes))
        counter("perseid_publish_refused_total", "Publishes answered with 503.", sum(node, \.publishesRefused))
        counter("perseid_publications_total", "Publications heard.", node.uplink.publicationsHeard.value)
        counter("perseid_ephemerals_total", "Payloads without position heard.", node.uplink.ephemeralsHeard.value)
        counter(
            "perseid_channels_full_total",
            "Channels that came faster than they went.",
            sum(node, \.hub.channelsFull)
        )
        counter("perseid_ephemerals_dropped_total", "Of those, without room.", sum(node, \.hub.ephemeralsDropped))
        counter("perseid_deliveries_total", "Frames sent to subscribers.", sum(node, \.hub.deliveries))
        counter("perseid_sent_bytes_total", "Bytes sent.", sum(node, \.bytesSent))
        counter("perseid_received_bytes_total", "Bytes received.", sum(node, \.bytesReceived))
        begin("perseid_loop_lag_microseconds", "gauge", "Longest turn of a reactor within the last second.")
        for (slot, reactor) in node.reactors.enumerated() {
            append("{reactor=\"\(slot)\"}", of: "perseid_loop_lag_microseconds", reactor.longestTurnMicroseconds.value)
        }
    }

    private mutating func appendCompression(_ node: NodeStatus) {
        gauge(
            "perseid_compression_windows",
            "Feeds compressed with what came before.",
            sum(node, \.hub.compressionWindows)
        )
        gauge("perseid_compression_window_bytes", "Memory of their windows.", sum(node, \.hub.compressionWindowBytes))
        counter(
            "perseid_compression_windows_refused_total",
            "Times a feed had no window, because as many have one as may.",
            sum(node, \.hub.compressionWindowsRefused)
        )
        counter(
            "perseid_compression_flushes_total",
            "Times a feed began anew for those who waited.",
            sum(node, \.hub.compressionFlushes)
        )
        counter(
            "perseid_compressed_messages_total",
            "Messages compressed, once for all readers of a feed.",
            sum(node, \.hub.compressedMessages)
        )
        counter(
            "perseid_compression_input_bytes_total",
            "Bytes of those before.",
            sum(node, \.hub.compressionInputBytes)
        )
        counter(
            "perseid_compression_output_bytes_total",
            "Bytes of those after.",
            sum(node, \.hub.compressionOutputBytes)
        )
        counter(
            "perseid_compression_left_alone_total",
            "Messages that were not compressed although they may be.",
            sum(node, \.hub.uncompressedMessages)
        )
        counter("perseid_inflated_messages_total", "Messages that came compressed.", sum(node, \.inflatedMessages))
        counter("perseid_inflated_bytes_total", "Bytes of those once inflated.", sum(node, \.inflatedBytes))
        counter(
            "perseid_inflations_refused_total",
            "Of those, what was too big or not compressed.",
            sum(node, \.inflationsRefused)
        )
    }

    private mutating func appendPaces(_ node: NodeStatus) {
        gauge("perseid_paces", "Channels times the rates they are held back to.", sum(node, \.hub.pacers))
        gauge("perseid_paced_bytes", "Payload that is held back.", sum(node, \.hub.pacedBytes))
        counter("perseid_pace_batches_total", "Batches of what was held back.", sum(node, \.hub.paceBatches))
        counter(
            "perseid_pace_left_out_total",
            "Publications left out of them for newer ones.",
            sum(node, \.hub.paceLeftOut)
        )
        counter("perseid_pace_hurries_total", "Batches too early, for want of memory.", sum(node, \.hub.paceHurries))
    }

    private mutating func appendSlowReaders(_ node: NodeStatus) {
        gauge("perseid_log_bytes", "Memory of the logs that subscribers are sent from.", sum(node, \.hub.logBytes))
        gauge("perseid_laggards", "Connections that cannot be sent to now.", sum(node, \.hub.laggards))
        begin("perseid_policy_actions_total", "counter", "What was done with slow readers.")
        append("{action=\"disconnect\"}", of: "perseid_policy_actions_total", sum(node, \.hub.disconnects))
        append("{action=\"skip\"}", of: "perseid_policy_actions_total", sum(node, \.hub.skips))
        append("{action=\"latest\"}", of: "perseid_policy_actions_total", sum(node, \.hub.latests))
        append("{action=\"merge\"}", of: "perseid_policy_actions_total", sum(node, \.hub.merges))
    }

    private mutating func appendHooks(_ node: NodeStatus) {
        let hooks = node.hooks
        begin("perseid_hook_answers_total", "counter", "Answers of backends.")
        for hook in HookName.allCases {
            append(
                "{hook=\"\(hook.rawValue)\",answer=\"yes\"}",
                of: "perseid_hook_answers_total",
                hooks[hook].allowed.value
            )
            append(
                "{hook=\"\(hook.rawValue)\",answer=\"no\"}",
                of: "perseid_hook_answers_total",
                hooks[hook].refused.value
            )
        }
        begin("perseid_hook_failures_total", "counter", "Questions that backends did not answer.")
        for hook in HookName.allCases {
            for (failure, counter) in zip(HookFailure.allCases, hooks[hook].failures) {
                let labels = "{hook=\"\(hook.rawValue)\",reason=\"\(failure.rawValue)\"}"
                append(labels, of: "perseid_hook_failures_total", counter.value)
            }
        }
        of(hooks, "perseid_hook_under_way", "gauge", "Requests to backends under way.", \.underWay)
        of(hooks, "perseid_hook_waiting", "gauge", "Questions that wait for one of them to end.", \.waiting)
        of(hooks, "perseid_hook_open", "gauge", "Whether a backend is let alone.", \.isOpen)
        of(hooks, "perseid_hook_lost_total", "counter", "What backends were told in vain.", \.lost)
        of(hooks, "perseid_hook_answer_microseconds_total", "counter", "Time to all answers.", \.answerMicroseconds)
        let refused = sum(node, \.hookQuestionsRefused)
        counter("perseid_hook_questions_refused_total", "Questions that were not asked for want of room.", refused)
        gauge("perseid_key_sets", "Sets of keys that are fetched.", hooks.keySets.value)
        gauge("perseid_key_sets_missing", "Those that no good one was had of yet.", hooks.keySetsMissing.value)
        counter("perseid_key_set_fetches_total", "Sets of keys fetched.", hooks.keySetsFetched.value)
        counter("perseid_key_set_failures_total", "Times that this failed.", hooks.keySetsFailed.value)
    }

    private mutating func of(
        _ hooks: HookMetrics,
        _ name: String,
        _ kind: String,
        _ meaning: String,
        _ path: KeyPath<HookMetrics.OfHook, Counter>
    ) {
        begin(name, kind, meaning)
        for hook in HookName.allCases {
            append("{hook=\"\(hook.rawValue)\"}", of: name, hooks[hook][keyPath: path].value)
        }
    }

    private mutating func appendSessions(_ node: NodeStatus) {
        let uplink = node.uplink
        gauge("perseid_patterns", "Patterns that this node hears.", uplink.patterns.value)
        gauge("perseid_pattern_channels", "Channels that they stand for.", uplink.patternChannels.value)
        counter(
            "perseid_pattern_channels_refused_total",
            "Channels that a pattern has no room for, with each of their publications.",
            uplink.patternChannelsRefused.value
        )
        counter("perseid_pattern_searches_total", "Searches for a pattern's channels.", uplink.patternSearches.value)
        gauge("perseid_sessions", "Sessions that this node holds.", uplink.sessions.value)
        gauge("perseid_bulk_waiting", "Requests for sessions and presence that wait.", uplink.bulkWaiting.value)
        counter("perseid_sessions_opened_total", "Sessions opened.", uplink.sessionsOpened.value)
        counter("perseid_sessions_resumed_total", "Sessions resumed over the backplane.", uplink.sessionsResumed.value)
        counter("perseid_sessions_found_total", "Polls whose session was in memory.", uplink.sessionsFound.value)
        counter("perseid_sessions_taken_total", "Sessions that others took over.", uplink.sessionsTaken.value)
        counter("perseid_access_tokens_total", "Access tokens looked at.", sum(node, \.accessTokensLookedAt))
        counter("perseid_access_tokens_refused_total", "Requests refused for theirs.", sum(node, \.accessTokensRefused))
        counter(
            "perseid_access_tokens_revoked_total",
            "Readers whose token was taken back.",
            sum(node, \.accessTokensRevoked)
        )
        counter("perseid_access_tokens_expired_total", "Readers whose token ended.", sum(node, \.accessTokensExpired))
        counter("perseid_forbidden_total", "What somebody wanted and may not.", sum(node, \.forbidden))
        counter("perseid_sessions_refused_total", "Tokens that were refused.", sum(node, \.tokensRefused))
        let unopened = sum(node, \.sessionsUnopened) + uplink.sessionsUnopened.value
        counter("perseid_sessions_unopened_total", "Sessions refused by a limit.", unopened)
        counter("perseid_sessions_restored_total", "Lost sessions put back.", uplink.sessionsRestored.value)
        gauge("perseid_members", "Members of this node in channels that tell who is there.", uplink.members.value)
        counter(
            "perseid_errand_turns_total",
            "Turns that went on with what operators or revocations have done to many readers.",
            sum(node, \.errandTurns)
        )
        counter(
            "perseid_member_details_left_out_total",
            "Members of whom others are not told all, for it is too long.",
            sum(node, \.memberDetailsLeftOut)
        )
        counter("perseid_cluster_questions_total", "Questions to all nodes.", uplink.clusterQuestions.value)
        counter(
            "perseid_cluster_questions_incomplete_total",
            "Of those, to which not all nodes answered in time.",
            uplink.clusterQuestionsIncomplete.value
        )
        counter("perseid_facts_total", "Times the node said how it is.", uplink.factsTold.value)
        gauge("perseid_facts_listeners", "Nodes with somebody who wants to know.", uplink.factsListeners.value)
        gauge("perseid_will_entries", "Readers that others would tell of if this node died.", uplink.willEntries.value)
        counter("perseid_wills_lost_total", "Times that these were written anew.", uplink.willsLost.value)
        counter(
            "perseid_wills_executed_total",
            "Dead nodes whose readers this one told of.",
            uplink.willsExecuted.value
        )
        counter("perseid_will_readers_told_total", "Those readers.", uplink.willReadersTold.value)
        counter("perseid_checkpoints_total", "Checkpoints that clients confirmed.", sum(node, \.hub.checkpoints))
        counter("perseid_session_writes_total", "Writes to sessions.", uplink.sessionWrites.value)
        counter("perseid_session_write_failures_total", "Of those, to be repeated.", uplink.sessionWritesFailed.value)
    }

    private mutating func appendBackplane(_ uplink: UplinkMetrics) {
        gauge("perseid_backplane_up", "Whether the backplane is reached and every channel heard.", uplink.isUp.value)
        counter("perseid_backplane_losses_total", "Links to the backplane lost.", uplink.linkLosses.value)
        gauge("perseid_redis_masters", "Masters of Redis that share the channels.", uplink.masters.value)
        gauge("perseid_redis_masters_up", "Of those, reached and heard.", uplink.mastersUp.value)
        gauge(
            "perseid_redis_former_masters",
            "Masters that may have channels or sessions that are to be moved.",
            uplink.formerMasters.value
        )
        gauge("perseid_redis_keys_to_move", "Keys of these when a node looked last.", uplink.keysToMove.value)
        counter(
            "perseid_redis_master_moves_total",
            "Masters that Sentinels said are elsewhere.",
            uplink.masterMoves.value
        )
        counter(
            "perseid_durable_publishes_total",
            "Publications that waited for replicas.",
            uplink.durablePublishes.value
        )
        counter("perseid_durable_misses_total", "Of those, too few replicas had in time.", uplink.durableMisses.value)
        gauge("perseid_redis_bytes", "Bytes held for what Redis has not answered.", uplink.redisBytes.value)
        counter("perseid_backplane_publishes_total", "Publishes acknowledged.", uplink.publishesAcknowledged.value)
        counter("perseid_backplane_publish_failures_total", "Publishes not acknowledged.", uplink.publishesFailed.value)
        counter("perseid_gaps_found_total", "Holes in what was heard.", uplink.gapsFound.value)
        counter("perseid_gaps_filled_total", "Holes closed from history.", uplink.gapsFilled.value)
        counter("perseid_gaps_reported_total", "Holes reported to clients.", uplink.gapsReported.value)
        counter("perseid_history_reads_total", "Reads of history from the backplane.", uplink.historyReads.value)
        counter("perseid_history_divided_total", "Histories answered with a part.", uplink.historyDivided.value)
        gauge("perseid_tail_bytes", "Memory for recent publications.", uplink.tailBytes.value)
        counter("perseid_tail_hits_total", "Recoveries answered from memory.", uplink.tailHits.value)
        counter("perseid_inbox_overflows_total", "Reports dropped at a full inbox.", uplink.inboxOverflows.value)
        begin("perseid_backplane_round_trip_microseconds", "summary", "Time from a request to its answer.")
        append("_sum", of: "perseid_backplane_round_trip_microseconds", uplink.roundTripNanoseconds.value / 1_000)
        append("_count", of: "perseid_backplane_round_trip_microseconds", uplink.roundTrips.value)
    }

    private mutating func appendLatency(_ histograms: [LatencyHistogram]) {
        let name = "perseid_fanout_latency_milliseconds"
        begin(name, "histogram", "Time from a publication's position to its last send.")
        var cumulated = 0
        for bucket in 0...LatencyHistogram.boundsMilliseconds.count {
            cumulated += histograms.reduce(0) { $0 + $1.buckets[bucket].value }
            let isLast = bucket == LatencyHistogram.boundsMilliseconds.count
            let bound = isLast ? "+Inf" : String(LatencyHistogram.boundsMilliseconds[bucket])
            append("_bucket{le=\"\(bound)\"}", of: name, cumulated)
        }
        append("_sum", of: name, histograms.reduce(0) { $0 + $1.sumMilliseconds.value })
        append("_count", of: name, cumulated)
    }

    private mutating func appendTurns(_ histograms: [TurnHistogram]) {
        let name = "perseid_turn_microseconds"
        begin(name, "histogram", "Length of the reactors' turns, as of the last second.")
        var cumulated = 0
        for bucket in 0...TurnCounts.boundsMicroseconds.count {
            cumulated += histograms.reduce(0) { $0 + $1.buckets[bucket].value }
            let isLast = bucket == TurnCounts.boundsMicroseconds.count
            let bound = isLast ? "+Inf" : String(TurnCounts.boundsMicroseconds[bucket])
            append("_bucket{le=\"\(bound)\"}", of: name, cumulated)
        }
        append("_sum", of: name, histograms.reduce(0) { $0 + $1.sumMicroseconds.value })
        append("_count", of: name, cumulated)
    }

    private func sum(_ node: NodeStatus, _ counter: KeyPath<EdgeMetrics, Counter>) -> Int {
        node.reactors.reduce(0) { $0 + $1[keyPath: counter].value }
    }

    private mutating func counter(_ name: String, _ help: String, _ value: Int) {
        begin(name, "counter", help)
        append("", of: name, value)
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        begin(name, "gauge", help)
        append("", of: name, value)
    }

    mutating func begin(_ name: String, _ type: String, _ help: String) {
        buffer.append(utf8: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
    }

    mutating func append(_ suffix: String, of name: String, _ value: Int) {
        buffer.append(utf8: "\(name)\(suffix) \(value)\n")
    }

    /// In seconds, to the millisecond.
    mutating func append(milliseconds: Int, of name: String) {
        let fraction = String(milliseconds % 1_000 + 1_000).dropFirst()
        buffer.append(utf8: "\(name) \(milliseconds / 1_000).\(fraction)\n")
    }
}

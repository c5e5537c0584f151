internal import Backplane
internal import Broker

/// What lies between the node and Redis.
extension MetricsText {
    mutating func appendBackplane(_ uplink: UplinkMetrics) {
        appendLinks(uplink)
        appendPublishes(uplink)
        appendHistory(uplink)
        appendTimes(uplink)
    }

    /// Which masters are reached, and heard.
    private mutating func appendLinks(_ uplink: UplinkMetrics) {
        gauge(
            "perseid_backplane_up",
            "1 while the node reaches the backplane and receives every channel that it needs.",
            uplink.isUp.value
        )
        counter(
            "perseid_backplane_losses_total",
            "Times that the node lost a connection to the backplane.",
            uplink.linkLosses.value
        )
        gauge("perseid_redis_masters", "Redis masters that share the channels.", uplink.masters.value)
        gauge(
            "perseid_redis_masters_up",
            "Redis masters that the node reaches and receives every channel from.",
            uplink.mastersUp.value
        )
        gauge(
            "perseid_redis_former_masters",
            "Redis masters that may still have channels or sessions which are to be moved.",
            uplink.formerMasters.value
        )
        gauge(
            "perseid_redis_keys_to_move",
            "Keys that were still to be moved away from former masters when a node last looked.",
            uplink.keysToMove.value
        )
        counter(
            "perseid_redis_master_moves_total",
            "Times that Sentinels reported another address for a master.",
            uplink.masterMoves.value
        )
        gauge(
            "perseid_redis_channels_unheard",
            "Channels that the node does not receive again yet since it lost a connection to Redis.",
            uplink.channelsUnheard.value
        )
        gauge(
            "perseid_redis_channels_unread",
            "Channels whose missed publications the node still has to read for live subscribers.",
            uplink.channelsUnread.value
        )
        gauge(
            "perseid_redis_patience_milliseconds",
            "How long a Redis master may be silent before the node gives up a connection to it.",
            uplink.patienceMilliseconds.value
        )
    }

    /// What becomes of publications on the way to Redis.
    private mutating func appendPublishes(_ uplink: UplinkMetrics) {
        counter(
            "perseid_durable_publishes_total",
            "Publications that waited until replicas had them.",
            uplink.durablePublishes.value
        )
        counter(
            "perseid_durable_misses_total",
            "Publications that too few replicas had in time.",
            uplink.durableMisses.value
        )
        gauge("perseid_redis_bytes", "Memory for requests that Redis has not answered yet.", uplink.redisBytes.value)
        counter(
            "perseid_backplane_publishes_total",
            "Publications that Redis acknowledged.",
            uplink.publishesAcknowledged.value
        )
        counter(
            "perseid_backplane_publish_failures_total",
            "Publications that Redis did not acknowledge.",
            uplink.publishesFailed.value
        )
    }

    /// What was missing, and what was read of history for it.
    private mutating func appendHistory(_ uplink: UplinkMetrics) {
        counter(
            "perseid_gaps_found_total",
            "Times that a publication was missing in what the node received from the backplane.",
            uplink.gapsFound.value
        )
        counter(
            "perseid_gaps_filled_total",
            "Times that the node found such missing publications in history, so that readers missed nothing.",
            uplink.gapsFilled.value
        )
        counter(
            "perseid_gaps_reported_total",
            "Times that missing publications were gone from history, so that the node told all readers of a channel of a gap.",
            uplink.gapsReported.value
        )
        counter(
            "perseid_history_reads_total",
            "Times that the node read a channel's history from the backplane.",
            uplink.historyReads.value
        )
        counter(
            "perseid_history_divided_total",
            "Questions for history that the node answered with a part, because all of it was too long.",
            uplink.historyDivided.value
        )
        gauge(
            "perseid_tail_bytes",
            "Memory for the recent publications that the node keeps for clients who come back.",
            uplink.tailBytes.value
        )
        counter(
            "perseid_tail_hits_total",
            "Clients who came back and got what they missed from the node's memory, without a question to Redis.",
            uplink.tailHits.value
        )
    }

    /// How fast the answers of Redis come, and whether reactors take them.
    private mutating func appendTimes(_ uplink: UplinkMetrics) {
        counter(
            "perseid_inbox_overflows_total",
            "Reports that a reactor did not get because its inbox was full; it reads later what it missed.",
            uplink.inboxOverflows.value
        )
        begin("perseid_backplane_round_trip_microseconds", "summary", "Time from a request to Redis to its answer.")
        append("_sum", of: "perseid_backplane_round_trip_microseconds", uplink.roundTripNanoseconds.value / 1_000)
        append("_count", of: "perseid_backplane_round_trip_microseconds", uplink.roundTrips.value)
    }
}

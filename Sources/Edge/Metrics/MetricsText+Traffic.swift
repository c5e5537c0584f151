internal import Backplane
internal import Broker
internal import Hub

/// Channels, what is published and delivered, and readers that are slow or want less.
extension MetricsText {
    mutating func appendChannels(_ node: NodeStatus) {
        gauge("perseid_subscriptions", "Subscriptions of all clients now.", sum(node, \.hub.subscriptions))
        gauge(
            "perseid_embedded_channels",
            "Channels that a node without Redis remembers.",
            node.uplink.embeddedChannels.value
        )
        gauge(
            "perseid_embedded_bytes",
            "Memory for the channels that a node without Redis remembers.",
            node.uplink.embeddedBytes.value
        )
        gauge("perseid_channels", "Channels that this node listens to.", node.uplink.channels.value)
        gauge(
            "perseid_count_lease_seconds",
            "How long the subscriber counts of this node stay in Redis when the node dies.",
            node.uplink.countLeaseMilliseconds.value / 1_000
        )
        gauge(
            "perseid_channels_lingering",
            "Channels that this node still listens to although their last subscriber has gone.",
            node.uplink.lingering.value
        )
        counter(
            "perseid_channels_refused_total",
            "Times that Redis refused to let the node listen to a channel.",
            node.uplink.channelsRefused.value
        )
    }

    mutating func appendTraffic(_ node: NodeStatus) {
        counter(
            "perseid_publishes_total",
            "Messages that clients and backends asked this node to publish.",
            sum(node, \.publishes)
        )
        counter(
            "perseid_publish_refused_total",
            "Publishes and other requests for Redis that the node answered with 503, because Redis was away, had too much to do or refused.",
            sum(node, \.publishesRefused)
        )
        counter(
            "perseid_publications_total",
            "Publications that the node received from the backplane.",
            node.uplink.publicationsHeard.value
        )
        counter(
            "perseid_ephemerals_total",
            "Payloads without a position, such as presence, that the node received from the backplane.",
            node.uplink.ephemeralsHeard.value
        )
        counter(
            "perseid_channels_full_total",
            "Times that a channel was published to faster than the node could send, so that it reads the rest from history.",
            sum(node, \.hub.channelsFull)
        )
        counter(
            "perseid_ephemerals_dropped_total",
            "Payloads without a position that the node dropped, because their channel had no room.",
            sum(node, \.hub.ephemeralsDropped)
        )
        counter("perseid_deliveries_total", "Messages that the node sent to subscribers.", sum(node, \.hub.deliveries))
        counter("perseid_sent_bytes_total", "Bytes that the node sent to clients.", sum(node, \.bytesSent))
        counter("perseid_received_bytes_total", "Bytes that clients sent to the node.", sum(node, \.bytesReceived))
        begin("perseid_loop_lag_microseconds", "gauge", "Longest turn of each reactor within the last second.")
        for (slot, reactor) in node.reactors.enumerated() {
            append("{reactor=\"\(slot)\"}", of: "perseid_loop_lag_microseconds", reactor.longestTurnMicroseconds.value)
        }
    }

    mutating func appendSlowReaders(_ node: NodeStatus) {
        gauge(
            "perseid_log_bytes",
            "Memory of the fan-out logs, from which subscribers are sent their messages.",
            sum(node, \.hub.logBytes)
        )
        gauge(
            "perseid_laggards",
            "Connections that take nothing at the moment, because their buffers are full.",
            sum(node, \.hub.laggards)
        )
        begin(
            "perseid_policy_actions_total",
            "counter",
            "Times that a channel's policy was applied to a reader that was too slow, by what was done."
        )
        append("{action=\"disconnect\"}", of: "perseid_policy_actions_total", sum(node, \.hub.disconnects))
        append("{action=\"skip\"}", of: "perseid_policy_actions_total", sum(node, \.hub.skips))
        append("{action=\"latest\"}", of: "perseid_policy_actions_total", sum(node, \.hub.latests))
        append("{action=\"merge\"}", of: "perseid_policy_actions_total", sum(node, \.hub.merges))
    }

    mutating func appendPaces(_ node: NodeStatus) {
        gauge(
            "perseid_paces",
            "Pairs of a channel and a rate that some of its readers asked to be held to.",
            sum(node, \.hub.pacers)
        )
        gauge(
            "perseid_paced_bytes",
            "Payload that the node holds back for readers who want fewer messages.",
            sum(node, \.hub.pacedBytes)
        )
        counter(
            "perseid_pace_batches_total",
            "Batches that the node sent to readers who want fewer messages.",
            sum(node, \.hub.paceBatches)
        )
        counter(
            "perseid_pace_left_out_total",
            "Publications that the node left out of such batches, because a newer one took their place.",
            sum(node, \.hub.paceLeftOut)
        )
        counter(
            "perseid_pace_hurries_total",
            "Batches that the node sent before their time, because it held back too much.",
            sum(node, \.hub.paceHurries)
        )
    }

    mutating func appendCompression(_ node: NodeStatus) {
        gauge(
            "perseid_compression_windows",
            "Feeds that the node compresses with what came before.",
            sum(node, \.hub.compressionWindows)
        )
        gauge(
            "perseid_compression_window_bytes",
            "Memory of the windows that feeds are compressed with.",
            sum(node, \.hub.compressionWindowBytes)
        )
        counter(
            "perseid_compression_windows_refused_total",
            "Times that a feed was not compressed with what came before, because as many feeds are as the limit allows.",
            sum(node, \.hub.compressionWindowsRefused)
        )
        counter(
            "perseid_compression_flushes_total",
            "Times that a compressed feed began anew so that waiting readers could join it.",
            sum(node, \.hub.compressionFlushes)
        )
        counter(
            "perseid_compressed_messages_total",
            "Messages that the node compressed, each once for all readers of a feed.",
            sum(node, \.hub.compressedMessages)
        )
        counter(
            "perseid_compression_input_bytes_total",
            "Bytes of the messages that the node compressed, before compression.",
            sum(node, \.hub.compressionInputBytes)
        )
        counter(
            "perseid_compression_output_bytes_total",
            "Bytes of the messages that the node compressed, after compression.",
            sum(node, \.hub.compressionOutputBytes)
        )
        counter(
            "perseid_compression_left_alone_total",
            "Messages that the node sent uncompressed although their readers take compressed ones.",
            sum(node, \.hub.uncompressedMessages)
        )
        counter(
            "perseid_inflated_messages_total",
            "Compressed messages that the node received and inflated.",
            sum(node, \.inflatedMessages)
        )
        counter(
            "perseid_inflated_bytes_total",
            "Bytes of the compressed messages that the node received, after it inflated them.",
            sum(node, \.inflatedBytes)
        )
        counter(
            "perseid_inflations_refused_total",
            "Compressed messages that the node refused, because they were too big or not valid.",
            sum(node, \.inflationsRefused)
        )
    }
}

internal import Broker
internal import Hub
internal import Reactor

/// How long it took: from a publication to its last reader, and the reactors' turns.
extension MetricsText {
    mutating func appendLatency(_ histograms: [LatencyHistogram]) {
        let name = "perseid_fanout_latency_milliseconds"
        begin(
            name,
            "histogram",
            "Time from a publication's position to the moment at which the node sent it to its last reader."
        )
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

    mutating func appendTurns(_ histograms: [TurnHistogram]) {
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
}

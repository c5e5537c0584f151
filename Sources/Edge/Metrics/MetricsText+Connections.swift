internal import Backplane
internal import Broker
internal import Hub
internal import Wire

/// Connections, TLS, requests, and what single clients may not.
extension MetricsText {
    mutating func appendConnections(_ node: NodeStatus) {
        begin("perseid_connections", "gauge", "Connections that are open now.")
        append("{transport=\"http\"}", of: "perseid_connections", sum(node, \.httpConnections))
        for carrier in CarrierID.all where !carrier.traits.contains(.isOneAnswer) {
            let count = node.reactors.reduce(0) { $0 + $1.connections(of: carrier).value }
            append("{transport=\"\(carrier.carrier.name)\"}", of: "perseid_connections", count)
        }
        gauge(
            "perseid_polls",
            "Polls that the node holds now, because there is nothing to tell yet.",
            sum(node, \.hub.polls)
        )
        counter(
            "perseid_polls_empty_total",
            "Polls that the node answered without a message, because none came in time.",
            sum(node, \.hub.pollsEmpty)
        )
        counter(
            "perseid_polls_divided_total",
            "Polls that the node answered with a part of what there was, because all of it was too long.",
            sum(node, \.hub.pollsDivided)
        )
        counter(
            "perseid_streams_renewed_total",
            "JSON streams that the node ended because of their age or size.",
            sum(node, \.streamsRenewed)
        )
        counter("perseid_connections_accepted_total", "Connections that the node accepted.", sum(node, \.accepted))
        counter(
            "perseid_connections_refused_total",
            "Connections that the node closed at once because of a limit, or because no descriptor was left.",
            sum(node, \.refused)
        )
        counter(
            "perseid_timeouts_total",
            "Connections that the node closed, and requests for channels that it gave up, because a time ran out.",
            sum(node, \.timeouts) + sum(node, \.hub.joinsTimedOut)
        )
    }

    mutating func appendTLS(_ node: NodeStatus) {
        counter("perseid_tls_handshakes_total", "TLS handshakes that succeeded.", sum(node, \.tlsHandshakes))
        counter(
            "perseid_tls_handshakes_resumed_total",
            "TLS handshakes that resumed a session with a ticket.",
            sum(node, \.tlsHandshakesResumed)
        )
        counter(
            "perseid_tls_sealed_by_kernel_total",
            "TLS connections of which the kernel encrypts what is sent.",
            sum(node, \.tlsSealedByKernel)
        )
        counter("perseid_tls_handshakes_failed_total", "TLS handshakes that failed.", sum(node, \.tlsHandshakesFailed))
        counter(
            "perseid_tls_handshake_waits_total",
            "Turns of a reactor in which TLS handshakes had to wait for the next turn.",
            sum(node, \.tlsHandshakeWaits)
        )
    }

    mutating func appendRequests(_ node: NodeStatus) {
        counter("perseid_requests_total", "HTTP requests that came with a valid head.", sum(node, \.requests))
        counter(
            "perseid_rejections_total",
            "Requests and messages that the node refused, for whatever reason.",
            sum(node, \.rejections)
        )
        begin(
            "perseid_websocket_failures_total",
            "counter",
            "WebSockets that the node closed because of what their clients sent, by close code."
        )
        for code in EdgeMetrics.failureCodes {
            let count = node.reactors.reduce(0) { $0 + ($1.failures(with: code)?.value ?? 0) }
            append("{code=\"\(code.rawValue)\"}", of: "perseid_websocket_failures_total", count)
        }
        counter(
            "perseid_evictions_total",
            "Connections that the node closed because clients together held too much memory, and these for longest.",
            sum(node, \.evictions)
        )
        begin(
            "perseid_held_bytes",
            "gauge",
            "Memory that the node holds for single clients: requests that are not whole, answers and replays that are not sent."
        )
        append("{direction=\"in\"}", of: "perseid_held_bytes", sum(node, \.heldInputBytes))
        append("{direction=\"out\"}", of: "perseid_held_bytes", sum(node, \.hub.heldOutputBytes))
        append("{direction=\"replay\"}", of: "perseid_held_bytes", sum(node, \.hub.heldReplayBytes))
        counter(
            "perseid_replays_divided_total",
            "Replays that the node sends in several parts, because what the client missed was too much for one.",
            sum(node, \.hub.replaysDivided)
        )
    }

    mutating func appendLimits(_ node: NodeStatus) {
        counter(
            "perseid_budget_waits_total",
            "Times that a client's next command waited because the client had used up a budget of its own.",
            sum(node, \.budgetWaits)
        )
        begin(
            "perseid_over_limit_total",
            "counter",
            "Requests and commands that the node refused because an address or a user sent too many."
        )
        for scope in MeteredScope.allCases {
            for metered in Metered.allCases {
                let count = node.reactors.reduce(0) { $0 + $1.overLimit(metered, of: scope).value }
                let labels = "{limit=\"\(metered.name)\",of=\"\(scope.name)\"}"
                append(labels, of: "perseid_over_limit_total", count)
            }
        }
        counter(
            "perseid_rates_ahead_total",
            "Requests that the node refused because a user used much of a rate before the cluster could be asked.",
            sum(node, \.usersTooFarAhead)
        )
        counter(
            "perseid_rates_forgotten_total",
            "Users whom the node forgot before it told the cluster what they used of their rates.",
            sum(node, \.usersForgotten)
        )
        counter(
            "perseid_rate_spendings_total",
            "Times that the node told Redis what users used of their rates.",
            node.uplink.rateSpendings.value
        )
        counter(
            "perseid_rate_spending_failures_total",
            "Times that Redis did not take what the node told it of users' rates.",
            node.uplink.rateSpendingsFailed.value
        )
        gauge(
            "perseid_overloaded",
            "1 while the node takes no new clients because it has too much to do or too little memory.",
            node.overload == nil ? 0 : 1
        )
        counter(
            "perseid_shed_total",
            "Requests of new clients that the node refused while it was overloaded.",
            sum(node, \.shed)
        )
        gauge(
            "perseid_resident_bytes",
            "Memory of the process, as the node saw it within the last second.",
            sum(node, \.residentBytes)
        )
    }
}

internal import Backplane
internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    func answerHealth(_ exchange: Exchange) {
        answer(exchange, contentType: "application/json", literal(AnswerBody.alive))
    }

    func answerReadiness(_ exchange: Exchange) {
        if node.isReady { return answerReady(exchange) }
        if !node.isDraining, node.uplink.isUp.value == 1, let overload = node.overload {
            return refuse(exchange, status: 503, overload.reason) { $0.append(field: "Retry-After", 1) }
        }
        guard !node.isDraining, let trouble = node.trouble else {
            let message: StaticString =
                if node.isDraining {
                    "the node is going away"
                } else if node.uplink.isUp.value == 1, node.wantsKeys {
                    "keys of tokens are not there yet"
                } else {
                    "the backplane is away"
                }
            return refuse(exchange, status: 503, message) { $0.append(field: "Retry-After", 1) }
        }
        metrics.rejections.add()
        content.removeAll()
        AnswerBody.appendTrouble(status: 503, message: "the backplane is away", reason: trouble, to: &content)
        answer(exchange, status: 503, contentType: "application/json", content.bytes) {
            $0.append(field: "Retry-After", 1)
        }
    }

    /// Where there are several masters of Redis a node is ready with one of them; what is wrong with another one is told all the same.
    private func answerReady(_ exchange: Exchange) {
        guard let trouble = node.trouble else {
            return answer(exchange, contentType: "application/json", literal(AnswerBody.ready))
        }
        content.removeAll()
        AnswerBody.appendReady(hinderedBy: trouble, to: &content)
        answer(exchange, contentType: "application/json", content.bytes)
    }

    /// Written in its turn among the long answers: it takes a millisecond.
    func askMetrics(_ exchange: Exchange) {
        holdRequests(behind: exchange)
        lists.append(.metrics(exchange))
    }

    func answerMetrics(_ exchange: Exchange) {
        guard isWaitedFor(exchange) else { return }
        let text = MetricsText(node, configuration)
        answer(exchange, contentType: "text/plain; version=0.0.4; charset=utf-8", text.bytes)
    }

    /// `GET /openapi.json`
    func answerDescription(_ exchange: Exchange) {
        PackageResources.openapi_json.withUnsafeBytes { description in
            answer(exchange, contentType: "application/json", description) {
                $0.append(field: "Cache-Control", "no-cache")
            }
        }
    }
}

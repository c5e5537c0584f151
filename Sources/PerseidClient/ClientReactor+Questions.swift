internal import Wire

// What is asked beside the link: publications, history, presence.
extension ClientReactor {
    /// The addresses in the order in which they are asked: the one there is a link to first, or one that is so many places behind it.
    private func addresses(behind skipped: Int) -> [NodeAddress] {
        let all = configuration.addresses
        let place = (connection.currentAddressIndex + skipped % all.count) % all.count
        return Array(all[place...] + all[..<place])
    }

    func publish(now: UInt64) {
        guard let body = publisher.takeBatch(now: now) else { return }
        ask(method: "POST", "/publish", body, skipping: publisher.failureCount) { [unowned self] outcome in
            let now = space.now
            switch outcome {
            case .success(let answer) where answer.head.status == 200:
                publisher.take(answers: answer.body, error: nil, now: now)
            case .success(let answer):
                publisher.take(answers: [], error: PerseidError(answer.head, body: answer.body), now: now)
            case .failure(let failure): publisher.take(answers: failure.body, error: failure.error, now: now)
            }
            publish(now: now)
        }
    }

    func ask(_ path: String, _ promise: Promise<[UInt8]>) {
        ask(method: "GET", path, nil) { outcome in
            switch outcome {
            case .success(let answer) where answer.head.status == 200: promise.resolve(.success(answer.body))
            case .success(let answer): promise.resolve(.failure(PerseidError(answer.head, body: answer.body)))
            case .failure(let failure): promise.resolve(.failure(failure.error))
            }
        }
    }

    /// Asks with the token there is; once more with another one, where that is not taken and there can be another.
    private func ask(
        method: StaticString,
        _ target: String,
        _ body: [UInt8]?,
        skipping skipped: Int = 0,
        mayRenew: Bool = true,
        complete: @escaping (AskOutcome) -> Void
    ) {
        tokens.withToken(now: space.now) { [unowned self] token in
            guard case .success(let token) = token else {
                if case .failure(let error) = token { complete(.failure(AskFailure(error: error, body: []))) }
                return
            }
            desk.ask(addresses(behind: skipped), milliseconds: options.answerMilliseconds) { address, output in
                Self.append(method, target, body, token, to: address, &output)
            } complete: { [unowned self] outcome in
                if case .success(let answer) = outcome, answer.head.status == 401, mayRenew, tokens.isRenewable {
                    tokens.drop()
                    return ask(
                        method: method,
                        target,
                        body,
                        skipping: skipped,
                        mayRenew: false,
                        complete: complete
                    )
                }
                complete(outcome)
            }
        }
    }

    private static func append(
        _ method: StaticString,
        _ target: String,
        _ body: [UInt8]?,
        _ token: String?,
        to address: NodeAddress,
        _ output: inout ByteBuffer
    ) {
        output.append(method)
        output.append(utf8: " \(target) HTTP/1.1\r\n")
        output.append(field: "Host", utf8: address.authority)
        LinkRequest.appendCredentials(token, to: &output)
        if let body {
            output.append(field: "Content-Type", "application/x-ndjson")
            output.append(field: "Content-Length", UInt64(body.count))
        }
        output.appendHeadEnd()
        if let body { output.append(body) }
    }
}

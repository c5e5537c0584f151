internal import Backplane
internal import Broker
internal import Hub
internal import Logging
internal import Reactor
internal import Text
internal import Wire

// The server API: what whoever runs the cluster asks of it, by any node.
extension EdgeReactor {
    /// Whether a request may look at clients and tell them what to do; if not, it is told.
    func mayAdminister(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        guard judgeOrigin(request) != .foreign else {
            refuse(exchange, status: 403, "pages of this origin may not do that here", field: "Origin")
            return false
        }
        if isOperator(exchange.credentials) { return true }
        guard let key = exchange.credentials.key else {
            refuse(exchange, status: 401, "an API key with the scope admin is needed", field: "Authorization") {
                $0.append(field: "WWW-Authenticate", "Bearer")
            }
            return false
        }
        metrics.forbidden.add()
        logger.notice("not allowed: the key has not the scope admin", metadata: ["key": "\(key.name)"])
        refuse(exchange, status: 403, "this key is not for that", field: "Authorization")
        return false
    }

    // MARK: Requests

    /// `GET /users/<name>`, `GET /sessions/<id>`, `GET /addresses/<address>`, and `POST` of what is to be done to them.
    func administer(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ subject: ClusterQuestion.Subject,
        _ resource: ClientResource
    ) throws(HTTPRejection) {
        if case (.session(let id), .itself) = (subject, resource) {
            return control(exchange, .session(id), .inspect(id))
        }
        let question = ClusterQuestion(subject, try act(request, resource, exchange))
        if resource != .itself { audit(exchange, question) }
        control(exchange, .question(question), .ask(question))
    }

    private func act(
        _ request: borrowing HTTPRequest,
        _ resource: ClientResource,
        _ exchange: Exchange
    ) throws(HTTPRejection) -> ClusterQuestion.Act {
        let body = try ControlBody(request.body)
        switch resource {
        case .itself: return .describe
        case .disconnect: return .disconnect(mayReturn: body.mayReturn ?? false)
        case .subscribe, .unsubscribe:
            guard let channel = body.channel.flatMap({ ChannelName($0) }), !channel.hasMisplacedWildcard else {
                throw HTTPRejection(status: 400, field: "channel", reason: "not a channel name")
            }
            // What concerns operators alone they read themselves.
            if channel.isForOperators || exchange.credentials.key?.isFor(channel) == false {
                throw HTTPRejection(status: 403, field: "channel", reason: "not for that")
            }
            return resource == .subscribe ? .subscribe(channel) : .unsubscribe(channel)
        }
    }

    /// `GET /channels?match=…`, `GET /sessions`, `GET /nodes`
    func list(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ kind: (ChannelName?) -> Inventory.Kind
    ) throws(HTTPRejection) {
        var pattern: ChannelName?
        if let text = try request.parameter("match") {
            pattern = ChannelName(text)
            guard let pattern, !pattern.hasMisplacedWildcard else {
                throw HTTPRejection(status: 400, field: "match", reason: "not a channel or a pattern such as room/*")
            }
        }
        var count = Self.listedUsually
        if let text = try request.parameter("limit") {
            guard let number = Int(text), (1...Self.listedMax).contains(number) else {
                throw HTTPRejection(status: 400, field: "limit", reason: "not a number from 1 to 1000")
            }
            count = number
        }
        let after = try request.parameter("after") ?? ""
        let inventory = Inventory(kind(pattern == ChannelName("**") ? nil : pattern), after: after, countMax: count)
        guard inventory.isAfterPlausible else {
            throw HTTPRejection(status: 400, field: "after", reason: "not what a page named as next")
        }
        control(exchange, .list(inventory.kind), .list(inventory))
    }

    /// Items of a page: a thousand are some 100 KB.
    private static let listedUsually = 100
    private static let listedMax = 1_000

    /// `POST /tokens/revoke`
    func revoke(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        let body = try ControlBody(request.body)
        let end = body.expires.map { $0 * 1_000 }
        switch (body.token, body.tokenID, body.user) {
        case (let token?, nil, nil):
            holdRequests(behind: exchange)
            identify(exchange, token)
        case (nil, let name?, nil):
            guard let end else {
                throw HTTPRejection(status: 400, field: "expires", reason: "needed: when the token ends")
            }
            revoke(exchange, .token(name), end)
        case (nil, nil, let name?): revoke(exchange, .user(name), end ?? wallMilliseconds + Self.userMilliseconds)
        default: throw HTTPRejection(status: 400, field: "body", reason: "needs one of token, jti and user")
        }
    }

    /// How long the tokens of a user stay revoked that it had when that was said, unless that is said: 30 days.
    private static let userMilliseconds: UInt64 = 2_592_000_000

    /// How long one does that never ends: a hundred years.
    private static let foreverMilliseconds: UInt64 = 3_153_600_000_000

    /// It is known whose the token is that is to be revoked, or that it is none.
    func revoke(_ exchange: Exchange, _ outcome: Result<Identity, TokenFault>) {
        guard isWaitedFor(exchange) else { return }
        switch outcome {
        case .failure(.overloaded): refuse(exchange, status: 503, "come again") { $0.append(field: "Retry-After", 1) }
        case .failure: refuse(exchange, status: 404, "not a token that is taken here", field: "token")
        case .success(let identity):
            guard let name = identity.tokenID else {
                return refuse(exchange, status: 400, "has no jti: revoke its user", field: "token")
            }
            revoke(exchange, .token(name), identity.endMilliseconds ?? wallMilliseconds + Self.foreverMilliseconds)
        }
    }

    private func revoke(_ exchange: Exchange, _ target: Revocation.Target, _ end: UInt64) {
        let revocation = Revocation(target, milliseconds: wallMilliseconds, endMilliseconds: end)
        audit(exchange, "revoke", revocation.target.description)
        control(exchange, .revoke, .revoke(revocation))
    }

    /// `DELETE /channels/<name>` without a key: the channel forgets what was published in it.
    func clear(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ channel: ChannelName
    ) throws(HTTPRejection) {
        guard mayAdminister(request, exchange) else { return }
        if channel.isPattern { throw HTTPRejection(status: 400, field: "channel", reason: "stands for several") }
        if channel.isSystem || exchange.credentials.key?.isFor(channel) == false {
            throw HTTPRejection(status: 403, field: "channel", reason: "not for that")
        }
        audit(exchange, "clear", "channel", channel)
        control(exchange, .clear(channel), .clear(channel, isKeyed: access.rules.isKeyed(channel)))
    }

    private func control(_ exchange: Exchange, _ step: ControlStep, _ request: ControlRequest) {
        holdRequests(behind: exchange)
        ask(.control(exchange, step)) { .control($0, request) }
    }

    // MARK: Audit

    private func audit(_ exchange: Exchange, _ question: ClusterQuestion) {
        let (act, channel) = question.act.described
        audit(exchange, act, question.subject.description, channel)
    }

    /// Every act leaves a line, before it is done.
    private func audit(_ exchange: Exchange, _ act: String, _ subject: String, _ channel: ChannelName? = nil) {
        logger.notice(
            "audit",
            metadata: [
                "act": "\(act)", "subject": "\(subject)", "channel": "\(channel?.text ?? "-")",
                "key": "\(exchange.credentials.key?.name ?? "-")",
                "address": "\(address(of: exchange.slot))",
            ]
        )
    }

    // MARK: Answers

    func answerControl(_ ticket: Ticket, _ outcome: Result<ControlAnswer, BackplaneFailure>) {
        guard case .control(let exchange, let step)? = waiting.removeValue(forKey: ticket.number),
            isWaitedFor(exchange)
        else { return }
        switch (outcome, step) {
        case (.failure(let failure), _): refuse(.exchange(exchange), failure)
        case (.success(.asked(let part, let isComplete)), .question(let question)):
            if case (.session(let id), .disconnect(mayReturn: false)) = (question.subject, question.act) {
                return control(exchange, .end(id, part, isComplete: isComplete), .end(id))
            }
            answer(exchange, json: { $0.append(part, isComplete, to: question) })
        case (.success(.inspected(let facts)), .session(let id)):
            guard let facts else {
                return refuse(exchange, status: 404, "there is no such session", field: "session")
            }
            let question = ClusterQuestion(.session(id), .describe)
            control(exchange, .sessionFacts(id, facts), .ask(question))
        case (.success(.asked(let part, let isComplete)), .sessionFacts(let id, let facts)):
            answer(exchange, json: { $0.append(facts, of: id, part, isComplete) })
        case (.success(.done(let isDone)), .end(let id, let part, let isComplete)):
            guard isDone || part.count > 0 else {
                return refuse(exchange, status: 404, "there is no such session", field: "session")
            }
            let question = ClusterQuestion(.session(id), .disconnect(mayReturn: false))
            answer(exchange, json: { $0.append(part, isComplete, to: question) })
        case (.success(.listed(let page)), .list(let kind)): answer(exchange, json: { $0.append(page, of: kind) })
        case (.success(.done(true)), .revoke): answer(exchange, json: { $0.append("{\"revoked\":true}") })
        case (.success(.done(false)), .revoke):
            refuse(exchange, status: 503, "as many are revoked as there may be") { $0.append(field: "Retry-After", 60) }
        case (.success(.cleared(let position)), .clear(let channel)):
            answer(
                exchange,
                json: { body in
                    channel.withUTF8 { AnswerBody.appendPublished(channel: $0, position: position.numbers, to: &body) }
                }
            )
        case (.success, _): refuse(.exchange(exchange), .refused("another answer than was asked for"))
        }
    }
}

extension APIKey {
    /// Whether it is for a channel, or for all of a pattern.
    fileprivate func isFor(_ channel: ChannelName) -> Bool {
        channels.isEmpty || channels.contains { $0.relation(to: channel) == .all }
    }
}

extension Inventory {
    /// Whether a page could have named such a place: a number, or for channels in memory a name.
    fileprivate var isAfterPlausible: Bool {
        if case .channels = kind { return after.utf8.count <= ChannelName.byteCountMax }
        // A number, or two with a dot between them: the place in the keys of one of several masters.
        let parts = after.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        // bounded: reads text, and gives nil
        return after.isEmpty || parts.allSatisfy { UInt64($0) != nil && $0.utf8.first != UInt8(ascii: "+") }
    }
}

extension Revocation.Target {
    fileprivate var description: String {
        switch self {
        case .token(let name): "token \(name)"
        case .user(let name): "user \(name)"
        }
    }
}

extension ClusterQuestion.Subject {
    fileprivate var description: String {
        switch self {
        case .user(let name): "user \(name)"
        case .session(let id): "session \(id)"
        case .address(let address): "address \(address)"
        }
    }
}

extension ClusterQuestion.Act {
    fileprivate var described: (act: String, channel: ChannelName?) {
        switch self {
        case .describe: ("describe", nil)
        case .disconnect(let mayReturn): (mayReturn ? "disconnect to reconnect" : "disconnect", nil)
        case .subscribe(let channel): ("subscribe", channel)
        case .unsubscribe(let channel): ("unsubscribe", channel)
        }
    }
}

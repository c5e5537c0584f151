public import Broker
internal import Text
internal import Wire

extension HookOutcome {
    /// Reads what a backend says: 2xx with what is asked for in JSON is an answer, 403 is no, anything else is none.
    public init(_ reply: HTTPReply, to hook: HookName, payloadBytesMax: Int) {
        switch (reply.status, hook) {
        case (200..<300, .disconnect): self = .allowed(HookAnswer())
        case (403, _): self = .refused(HookRefusal())
        case (200..<300, .call): self = Self.call(reply.body, payloadBytesMax)
        case (200..<300, _): self = Self.judgement(reply.body, hook, payloadBytesMax)
        default: self = .failed(.status)
        }
    }

    // MARK: Judgements

    /// `{"allow":true,…}`. Without `allow` it says neither yes nor no: an answer that was meant as an error must not let anybody in.
    private static func judgement(_ body: [UInt8], _ hook: HookName, _ payloadBytesMax: Int) -> HookOutcome {
        body.withUnsafeBytes { bytes in
            let names: [StaticString] = ["allow", "user", "info", "channels", "expires", "data", "data64"]
            guard let fields = JSONFields(bytes, names), let allow = fields[0] else { return .failed(.answer) }
            if allow.elementsEqual("false".utf8) { return .refused(HookRefusal()) }
            guard allow.elementsEqual("true".utf8) else { return .failed(.answer) }
            var answer = HookAnswer()
            let isRight =
                switch hook {
                case .connect: takeIdentity(fields, into: &answer)
                case .publish: takePayload(json: fields.raw(5), base64: fields[6], payloadBytesMax, into: &answer)
                default: true
                }
            return isRight ? .allowed(answer) : .failed(.answer)
        }
    }

    /// No more channels than a connection has, and no more to show than others want to see.
    private static let channelsMax = 128
    private static let infoBytesMax = 4_096

    /// What is there must be right: whoever is let in as somebody else is let in wrongly.
    private static func takeIdentity(_ fields: JSONFields, into answer: inout HookAnswer) -> Bool {
        if let raw = fields[1] {
            guard let user = raw.jsonString, PrincipalName.isValid(user) else { return false }
            answer.user = user
        }
        if let raw = fields[2] {
            guard raw.isJSONObject, raw.count <= infoBytesMax else { return false }
            var info = Array(raw)
            info.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
            answer.info = info
        }
        if let raw = fields[3] {
            guard let found = JSONText.elements(of: raw, countMax: channelsMax), found.count <= channelsMax else {
                return false
            }
            let names = found.ranges.compactMap { UnsafeRawBufferPointer(rebasing: raw[$0]).jsonString }
            answer.channels = names.compactMap { ChannelName($0) }.filter { !$0.hasMisplacedWildcard }
            guard answer.channels.count == found.count else { return false }
        }
        if let raw = fields[4] {
            guard let seconds = raw.jsonNumber, (0...1e12).contains(seconds) else { return false }
            answer.endMilliseconds = UInt64(exactly: (seconds * 1_000).rounded(.down))
        }
        return true
    }

    private static func takePayload(
        json: UnsafeRawBufferPointer?,
        base64: UnsafeRawBufferPointer?,
        _ payloadBytesMax: Int,
        into answer: inout HookAnswer
    ) -> Bool {
        if let base64 {
            var decoded = ByteBuffer()
            guard json == nil, var text = base64.jsonString,
                text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0), to: &decoded) })
            else { return false }
            answer.data = Payload(kind: .binary, bytes: Array(decoded.bytes))
        } else if let json {
            var bytes = Array(json)
            bytes.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
            answer.data = Payload(kind: .json, bytes: bytes)
        }
        return answer.data.map { $0.bytes.count <= payloadBytesMax } ?? true
    }

    // MARK: Calls

    /// `{"data":…}` or `{"error":"why","code":409}`.
    private static func call(_ body: [UInt8], _ payloadBytesMax: Int) -> HookOutcome {
        body.withUnsafeBytes { bytes in
            guard let fields = JSONFields(bytes, ["data", "error", "code"]) else { return .failed(.answer) }
            if let raw = fields[1] {
                guard let message = raw.jsonString, message.utf8.count <= messageBytesMax else {
                    return .failed(.answer)
                }
                let said = fields[2].map { $0.jsonInteger ?? 0 } ?? 400
                guard (400..<600).contains(said), let code = UInt16(exactly: said) else { return .failed(.answer) }
                return .refused(HookRefusal(code: code, message: message))
            }
            var answer = HookAnswer()
            let data = fields.raw(0)
            guard data != nil, takePayload(json: data, base64: nil, payloadBytesMax, into: &answer) else {
                return .failed(.answer)
            }
            return .allowed(answer)
        }
    }

    private static let messageBytesMax = 1_024
}

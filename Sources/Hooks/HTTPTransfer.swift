internal import CCurl

/// One call under way, as libcurl has it.
///
/// Thread: that of its caller. Memory: some 20 KiB of libcurl's, and what was answered so far.
final class HTTPTransfer {
    let number: UInt64
    let easy: UnsafeMutableRawPointer
    private let answerBytesMax: Int
    private var fields: UnsafeMutablePointer<curl_slist>?
    private var headBytes = 0
    private(set) var body: [UInt8] = []

    /// Prepares a call; `nil` where libcurl has no memory for it, or takes its address for none.
    init?(_ call: HTTPCall, number: UInt64) {
        guard let easy = curl_easy_init() else { return nil }
        self.number = number
        self.easy = easy
        answerBytesMax = call.answerBytesMax
        guard prepare(call) else { return nil }
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(fields)
    }

    private func prepare(_ call: HTTPCall) -> Bool {
        var isRight = true
        func set(_ option: CURLoption, _ text: String) {
            if ccurl_set_text(easy, option, text) != CURLE_OK { isRight = false }
        }
        func set(_ option: CURLoption, _ number: Int) {
            if ccurl_set_number(easy, option, number) != CURLE_OK { isRight = false }
        }
        set(CURLOPT_URL, call.url)
        // Nothing else that libcurl speaks, and nowhere else than where the settings say.
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        // By TLS they agree on it; without, servers would have to know it beforehand.
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        if call.url.hasPrefix("https:") { set(CURLOPT_PIPEWAIT, 1) }
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, Int(clamping: call.timeoutMilliseconds))
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: call.timeoutMilliseconds))
        set(CURLOPT_USERAGENT, "perseid")
        if let authorities = call.authorities { set(CURLOPT_CAINFO, authorities) }
        var all = call.fields + ["Accept: application/json"]
        if let body = call.body {
            all += ["Content-Type: application/json", "Expect:"]
            set(CURLOPT_POSTFIELDSIZE, body.count)
            let isCopied = body.withUnsafeBytes { bytes in
                ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            }
            if isCopied != CURLE_OK { isRight = false }
        }
        for field in all {
            guard let longer = curl_slist_append(fields, field) else { return false }
            fields = longer
        }
        if ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, fields) != CURLE_OK { isRight = false }
        return setReceivers() && isRight
    }

    private func setReceivers() -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let isSet = [
            ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context), ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context),
            ccurl_set_take(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                HTTPTransfer.at(context)?.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            },
            ccurl_set_take(easy, CURLOPT_HEADERFUNCTION) { _, size, count, context in
                HTTPTransfer.at(context)?.takeHead(size * count) ?? 0
            },
        ]
        return isSet.allSatisfy { $0 == CURLE_OK }
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Any other number than that of the bytes ends the transfer.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count <= answerBytesMax - body.count else { return 0 }
        body += bytes
        return bytes.count
    }

    private func takeHead(_ count: Int) -> Int {
        headBytes += count
        return headBytes <= answerBytesMax ? count : 0
    }

    /// What came of it.
    func outcome(_ code: CURLcode) -> Result<HTTPReply, HTTPCallError> {
        switch code {
        case CURLE_OK:
            let field = ccurl_field(easy, "cache-control").map { String(cString: $0) }
            return .success(HTTPReply(status: ccurl_status(easy), body: body, cacheControl: field))
        case CURLE_OPERATION_TIMEDOUT: return .failure(HTTPCallError(kind: .timeout, reason: "no answer in time"))
        case CURLE_WRITE_ERROR: return .failure(HTTPCallError(kind: .tooLong, reason: "the answer is too long"))
        default:
            let reason = curl_easy_strerror(code).map { String(cString: $0) } ?? "failed"
            return .failure(HTTPCallError(kind: .connection, reason: reason))
        }
    }
}

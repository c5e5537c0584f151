// Where the body ends and whether the connection goes on: the fields on which two servers must never disagree,
// RFC 9112 §6 and §9.

extension HTTPRequestHead {
    /// Reads the options of one Connection line. Unknown ones are other people's business.
    mutating func readConnectionOptions(_ value: ByteRange, in bytes: Span<UInt8>) {
        let end = value.indices.upperBound
        var first = value.indices.lowerBound
        while first < end {
            var comma = first
            while comma < end, bytes[comma] != UInt8(ascii: ",") { comma += 1 }
            let option = ByteRange(first..<comma).trimmingOptionalWhitespace(in: bytes)
            if option.equals(ignoringCase: "close", in: bytes) {
                hasCloseOption = true
            } else if option.equals(ignoringCase: "keep-alive", in: bytes) {
                hasKeepAliveOption = true
            } else if option.equals(ignoringCase: "upgrade", in: bytes) {
                wantsUpgrade = true
            }
            first = comma + 1
        }
    }

    /// Refuses a body that is announced to be longer than the limit: for who takes it whole.
    public func checkLength(limits: HTTPLimits) throws(HTTPRejection) {
        guard contentLength ?? 0 <= limits.bodyBytes else {
            throw HTTPRejection(status: 413, field: "Content-Length", reason: "the body is too long")
        }
    }

    /// Reads a Content-Length: decimal digits and nothing else.
    static func length(_ value: ByteRange, in bytes: Span<UInt8>) throws(HTTPRejection) -> Int {
        guard !value.isEmpty else { throw .malformed("Content-Length", "empty") }
        var length = 0
        for index in value.indices {
            guard bytes[index].isDigit else { throw .malformed("Content-Length", "not a decimal number") }
            let (tenfold, overflowed) = length.multipliedReportingOverflow(by: 10)
            // bounded: a digit
            let (sum, carried) = tenfold.addingReportingOverflow(Int(bytes[index] - UInt8(ascii: "0")))
            guard !overflowed, !carried else { throw .malformed("Content-Length", "too large a number") }
            length = sum
        }
        return length
    }

    /// Applies what depends on the version: Host, persistence, and what HTTP/1.0 must not be taken to ask for.
    mutating func settleConnection() throws(HTTPRejection) {
        if minorVersion == 0 {
            keepAlive = hasKeepAliveOption && !hasCloseOption
            expectsContinue = false
            wantsUpgrade = false
        } else {
            guard fields[.host] != nil else { throw .malformed("Host", "missing") }
            keepAlive = !hasCloseOption
        }
        if targetForm == .absolute { fields[.host] = targetAuthority }
    }

    /// Decides how the body is framed, RFC 9112 §6.3. A length beside a transfer coding is refused, though the RFC
    /// would allow to ignore it: it is the classic way to smuggle a request past a load balancer.
    mutating func settleBody(_ bytes: Span<UInt8>) throws(HTTPRejection) {
        guard let coding = fields[.transferEncoding] else { return }
        guard contentLength == nil else {
            throw .malformed("Transfer-Encoding", "given together with Content-Length")
        }
        guard minorVersion == 1 else { throw .malformed("Transfer-Encoding", "not a part of HTTP/1.0") }
        guard !coding.isEmpty else { throw .malformed("Transfer-Encoding", "empty") }
        guard coding.equals(ignoringCase: "chunked", in: bytes) else {
            throw HTTPRejection(status: 501, field: "Transfer-Encoding", reason: "only chunked is understood")
        }
        isChunked = true
    }
}

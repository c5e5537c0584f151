# shellcheck shell=bash
# To be sourced: installs Debian packages, but only those whose purpose is not served already.

# What building needs besides Swift.
# shellcheck disable=SC2034 # for those who source this
BUILD_PACKAGES=(git ca-certificates pkg-config libcurl4-openssl-dev libhiredis-dev libsimdjson-dev liburing-dev libssl-dev libstdc++-12-dev zlib1g-dev)

# Whether a package, or something that serves as well, is there.
is_installed() {
    case $1 in
        ca-certificates) [[ -s /etc/ssl/certs/ca-certificates.crt ]] ;;
        nodejs) command -v node >/dev/null ;;
        nginx-light) [[ -x /usr/sbin/nginx ]] ;;
        dpkg-dev) command -v dpkg-shlibdeps >/dev/null ;;
        php-cli) command -v php >/dev/null ;;
        curl | git | haproxy | openssl | pkg-config | python3 | redis-server) command -v "$1" >/dev/null ;;
        libcurl4-openssl-dev) pkg-config --exists libcurl 2>/dev/null ;;
        libhiredis-dev) pkg-config --exists hiredis 2>/dev/null ;;
        libsimdjson-dev) pkg-config --exists simdjson 2>/dev/null ;;
        liburing-dev) pkg-config --exists liburing 2>/dev/null ;;
        libssl-dev) pkg-config --exists "openssl >= 3" 2>/dev/null ;;
        zlib1g-dev) pkg-config --exists zlib 2>/dev/null ;;
        libstdc++-*) compgen -G '/usr/include/c++/*/string' >/dev/null ;;
        *) dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed ;;
    esac
}

install_missing() {
    local package missing=() root=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return 0; fi

    if ! command -v apt-get >/dev/null; then
        echo "missing, and there is no apt-get to install it with: ${missing[*]}" >&2
        return 1
    fi
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "missing, and only root may install it: ${missing[*]}" >&2
            return 1
        fi
        root=(sudo)
    fi
    echo "installing ${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}

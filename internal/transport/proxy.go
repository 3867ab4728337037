package transport

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
)

// A proxy that says more before the tunnel begins than this, in bytes, is none.
const maxProxyReply = 8 << 10

// A ProxyError says that an HTTP proxy does not let through to a hub.
type ProxyError struct {
	Proxy  string // "host:port"
	Status string // what it says, such as "403 Forbidden"; "" if that is no HTTP
	Err    error  // why it says nothing; nil if it does
}

func (e *ProxyError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("proxy %s: %v", e.Proxy, e.Err)
	case e.Status == "":
		return fmt.Sprintf("proxy %s: what answers there is no HTTP proxy", e.Proxy)
	}
	return fmt.Sprintf("proxy %s refuses: %q", e.Proxy, e.Status)
}

// Unwrap returns Err.
func (e *ProxyError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *ProxyError) Hint() string {
	switch {
	case e.Err != nil:
		return "check HTTPS_PROXY, and whether the proxy is there; or name the hub in NO_PROXY"
	case e.Status == "":
		return "check HTTPS_PROXY, or name the hub in NO_PROXY"
	case strings.HasPrefix(e.Status, "407"):
		return "it wants a name and a password: HTTPS_PROXY=http://NAME:PASSWORD@" + e.Proxy
	default:
		return "many let through to port 443 only, where a hub may listen (s2c server -p 443); or name the hub in NO_PROXY"
	}
}

// proxyAddr returns the address of an HTTP proxy, or why it cannot be used.
func proxyAddr(proxy *url.URL) (string, error) {
	if proxy.Scheme != "http" {
		return "", fmt.Errorf("proxy %s: only proxies of HTTP are known, not of %q", proxy.Host, proxy.Scheme)
	}
	port := proxy.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(proxy.Hostname(), port), nil
}

// tunnel asks a proxy for a tunnel to addr. RFC 9110, section 9.3.6.
func tunnel(rw io.ReadWriter, proxy *url.URL, addr string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", addr, addr)
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(rw, b.String()); err != nil {
		return &ProxyError{Proxy: proxy.Host, Err: err}
	}
	status, err := readReply(rw)
	switch {
	case err != nil:
		return &ProxyError{Proxy: proxy.Host, Err: err}
	case !strings.HasPrefix(status, "2"):
		return &ProxyError{Proxy: proxy.Host, Status: status}
	}
	return nil
}

// readReply reads the head of an HTTP response, and nothing of what follows it.
// It returns the status, at most 100 bytes of it, or "" if that is no HTTP.
func readReply(r io.Reader) (status string, err error) {
	var head []byte
	for !strings.HasSuffix(string(head[max(0, len(head)-4):]), "\r\n\r\n") {
		if len(head) == maxProxyReply {
			return "", nil
		}
		var one [1]byte
		if _, err := io.ReadFull(r, one[:]); err != nil {
			return "", err
		}
		head = append(head, one[0])
	}
	line, _, _ := strings.Cut(string(head), "\r\n")
	version, status, ok := strings.Cut(line, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") || len(status) < 3 {
		return "", nil
	}
	for _, digit := range status[:3] {
		if digit < '0' || digit > '9' {
			return "", nil
		}
	}
	return status[:min(len(status), 100)], nil
}

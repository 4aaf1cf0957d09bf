package s3

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// reloadEvery is how often the SDK's configuration may be loaded again: seldom enough for a role to
// be assumed each time, often enough for whoever writes new keys into a file and waits.
const reloadEvery = time.Minute

// strangers are the codes of stores, and of what gives credentials for them, that do not know or no
// longer take the credentials that a request was signed with.
var strangers = map[string]bool{
	"ExpiredToken": true, "ExpiredTokenException": true, "TokenRefreshRequired": true,
	"InvalidToken": true, "InvalidTokenId": true, "RequestExpired": true,
	"InvalidAccessKeyId": true, "InvalidClientTokenId": true, "UnrecognizedClientException": true,
	"InvalidSecurity": true, "XAdminUserNotFound": true,
	"SignatureDoesNotMatch": true, // the secret of a key may change alone
}

// stranger reports whether the answer is that the credentials are not, or no longer, good.
func (a *answer) stranger() bool {
	return strangers[a.code] || a.status == http.StatusUnauthorized
}

// forbidden reports whether the answer is that the credentials are good and may not do it.
func (a *answer) forbidden() bool {
	return a.status == http.StatusForbidden && a.code == "AccessDenied"
}

// renewed reports whether another attempt is signed with credentials other than those that the
// answer refuses. It loads the configuration again for it, at most once every reloadEvery: nothing
// else would look into the shared files again. After a mere lack of permission it loads again, too,
// for another key may have been written there, but the refusal stands.
func (c *credentials) renewed(ctx context.Context, a *answer) bool {
	if !a.stranger() && !a.forbidden() {
		return false
	}
	before := c.given()
	c.reload(ctx)
	now, err := c.source().Retrieve(ctx)
	return err == nil && a.stranger() &&
		(!a.signedBy(now) || now.SecretAccessKey != before.SecretAccessKey)
}

// signedBy reports whether the request that was answered was signed with the key and the session of
// v.
func (a *answer) signedBy(v aws.Credentials) bool {
	m := signedWith.FindStringSubmatch(a.asked.Get("Authorization"))
	return m != nil && m[1] == v.AccessKeyID &&
		a.asked.Get("X-Amz-Security-Token") == v.SessionToken
}

// signedWith is how a signature names the access key.
var signedWith = regexp.MustCompile(`Credential=([^/,]+)/`)

// reload loads the configuration again and takes its source of credentials in place of the one that
// there is, cache and all, if it gives any. It does nothing within reloadEvery of the last time. A
// call that comes while another loads waits for the other.
func (c *credentials) reload(ctx context.Context) (loaded bool) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return false
	}
	if now := c.now(); now.Sub(c.loaded) >= reloadEvery {
		c.loaded = now
	} else {
		return false
	}
	chain, err := c.fresh(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble = err; err == nil {
		c.chain = chain
	}
	return err == nil
}

// fresh is a source of credentials that is known to give some.
func (c *credentials) fresh(ctx context.Context) (aws.CredentialsProvider, error) {
	cfg, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, &credentialsError{err: err}
	}
	return cfg.Credentials, nil
}

// inVain says why the last load gave nothing, to go after a fix; empty when it gave something.
func (c *credentials) inVain() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble == nil {
		return ""
	}
	return fmt.Sprintf(" (no other credentials could be loaded: %v)", oneLine(c.trouble.Error()))
}

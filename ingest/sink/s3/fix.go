package s3

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// action is what a call asks for, in the words of an IAM policy.
type action string

const (
	putObject    action = "s3:PutObject"
	getObject    action = "s3:GetObject"
	deleteObject action = "s3:DeleteObject"
	listBucket   action = "s3:ListBucket"
)

// fix says what to do about a refusal.
func (c *client) fix(want action, a *answer) string {
	if region := c.rightRegion(a); region != "" {
		return fmt.Sprintf("the bucket is in another region: set region=%s in the URL, or "+
			"AWS_REGION", region)
	}
	if fix := c.without(a); fix != "" {
		return fix
	}
	if f, ok := fixes[a.code]; ok {
		return f(c, want, a)
	}
	switch {
	case strings.HasPrefix(a.code, "KMS."):
		return "make the KMS key of kms_key_id= usable for this principal and region"
	case a.status == http.StatusForbidden:
		return c.allow(want, a)
	case a.status >= 300 && a.status < 400:
		return "set region= in the URL, or AWS_REGION, to the bucket's own"
	case a.code == "":
		return c.where("it does not look like S3: see that the endpoint is right")
	}
	return c.where("see what the store says about it")
}

// fixes say what to do, by the code of the answer.
var fixes = map[string]func(c *client, want action, a *answer) string{
	"AccessDenied":       (*client).allow,
	"AllAccessDisabled":  (*client).allow,
	"InvalidAccessKeyId": (*client).otherKey,
	"XAdminUserNotFound": (*client).otherKey, // what versitygw says instead
	"SignatureDoesNotMatch": plain("set the secret that belongs to the access key " +
		"(AWS_SECRET_ACCESS_KEY, or the profile); if it is right, see that nothing between here " +
		"and the store changes requests"),
	"RequestTimeTooSkewed":  (*client).clock,
	"ExpiredToken":          plain(renew),
	"InvalidToken":          plain(renew),
	"RequestExpired":        plain(renew),
	"ExpiredTokenException": plain(renew),
	"TokenRefreshRequired":  plain(renew),
	"NoSuchBucket":          (*client).makeBucket,
	"InvalidBucketName":     (*client).makeBucket,
	"InvalidObjectState":    plain("restore the object from its archive class first"),
	"InvalidStorageClass":   plain("set storage_class= to one that the store has, or leave it out"),
	"KeyTooLongError":       plain("use a shorter prefix"),
	"ObjectParentIsFile": plain("an object lies where a folder of ours should be: move it, or " +
		"use another prefix"),
	"InvalidEncryptionAlgorithmError": plain("set sse= to a kind that the store has, or leave it " +
		"out"),
	"InvalidTag": plain("set tags= to what the store allows"),
}

const renew = "renew the session: its credentials have expired or are not valid; a running " +
	"process loads those of the shared files, or of a role, again within a minute, but reads AWS_* " +
	"variables only at its start"

func plain(text string) func(*client, action, *answer) string {
	return func(*client, action, *answer) string { return text }
}

// where adds the place that was asked, as far as it is not AWS.
func (c *client) where(text string) string {
	if c.endpoint == "" {
		return text
	}
	return text + " (endpoint " + c.endpoint + ")"
}

// allow names the permissions that are missing. S3 says 403 of an object that is not there to
// those who may not list, which would look like a lack of the other permission.
func (c *client) allow(want action, _ *answer) string {
	bucket := "arn:aws:s3:::" + c.opts.Bucket
	objects := bucket + "/*"
	if c.opts.Prefix != "" {
		objects = bucket + "/" + c.opts.Prefix + "/*"
	}
	switch want {
	case listBucket:
		return fmt.Sprintf("allow %s on %s", want, bucket)
	case getObject:
		return fmt.Sprintf("allow %s on %s, and s3:ListBucket on %s: without that S3 also says "+
			"403 of what is not there", want, objects, bucket)
	case putObject:
		more := ""
		if len(c.opts.Tags) > 0 {
			more += ", s3:PutObjectTagging"
		}
		if strings.HasPrefix(c.opts.SSE, "aws:kms") {
			more += ", and kms:GenerateDataKey and kms:Decrypt on the key,"
		}
		return fmt.Sprintf("allow %s%s on %s", want, more, objects)
	}
	return fmt.Sprintf("allow %s on %s", want, objects)
}

func (c *client) otherKey(action, *answer) string {
	return c.where("the store does not know the access key: set AWS_ACCESS_KEY_ID or AWS_PROFILE " +
		"to one of its own")
}

func (c *client) clock(_ action, a *answer) string {
	text := "set this machine's clock right"
	if date := a.header.Get("Date"); date != "" {
		text += "; the store's says " + date
	}
	return text
}

func (c *client) makeBucket(action, *answer) string {
	return c.where(fmt.Sprintf("make bucket %s, or name the right one", c.opts.Bucket))
}

// expecting is how S3 names the right region in a message.
var expecting = regexp.MustCompile(`expecting ['"]([a-z0-9-]+)['"]`)

// rightRegion is the bucket's region, when the answer names one that is not ours.
func (c *client) rightRegion(a *answer) string {
	region := a.header.Get("X-Amz-Bucket-Region")
	if m := expecting.FindStringSubmatch(a.message); m != nil {
		region = m[1]
	}
	if region == c.region {
		return ""
	}
	return region
}

// unreachable tells why no attempt can reach the store and what to do; "" if one may.
func (c *client) unreachable(err error) (fix string, cause error) {
	var (
		unknownCA x509.UnknownAuthorityError
		otherHost x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknownCA):
		fix = "name the file of the CA that signed the server's certificate, ca_file= in the URL " +
			"or AWS_CA_BUNDLE"
	case errors.As(err, &otherHost):
		fix = c.where("use the host name that the server's certificate is for")
	case errors.As(err, &invalid):
		fix = "renew the server's certificate, or set this machine's clock right"
	case errors.Is(err, http.ErrSchemeMismatch):
		fix = c.where("the server does not speak TLS there: use http://, or its TLS port")
	default:
		return "", nil
	}
	return fix, c.network(err)
}

// unknownHost says what to do about the name of a host that there is none of; "" if a host has
// answered by that name before, so that it is its DNS that is at fault now.
func (c *client) unknownHost(err error) string {
	var (
		lookup  *net.DNSError
		request *url.Error
	)
	if c.met.Load() || !errors.As(err, &lookup) || !lookup.IsNotFound ||
		!errors.As(err, &request) {
		return ""
	}
	u, perr := url.Parse(request.URL)
	switch {
	case perr != nil:
		return ""
	case !strings.EqualFold(u.Hostname(), lookup.Name):
		return "see that HTTPS_PROXY and HTTP_PROXY are right"
	case strings.HasPrefix(u.Host, c.opts.Bucket+"."):
		return "add path_style=true, or see that endpoint= and region= are right"
	}
	return "see that endpoint= and region= are right"
}

package s3

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// prefixMax leaves room in S3's 1,024 bytes of key for the longest that Logseal makes below it.
const prefixMax = 512

// tagsMax is how many tags S3 lets an object have.
const tagsMax = 10

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]{0,63}$`)
	headerWord = regexp.MustCompile(`^[!-~]*$`) // what a header holds without quoting
)

// sseKinds are the kinds of encryption at rest that S3 knows.
var sseKinds = []string{"", "AES256", "aws:kms", "aws:kms:dsse"}

// asleep are the storage classes whose objects must be restored before they can be read.
var asleep = []string{"GLACIER", "DEEP_ARCHIVE"}

// Validate returns an error unless the options fit together.
func (o Options) Validate() error {
	if !bucketName.MatchString(o.Bucket) {
		return fmt.Errorf("bucket %q: want 3 to 63 letters, digits, dots and dashes, as in "+
			"s3://bucket/prefix", o.Bucket)
	}
	if err := checkPrefix(o.Prefix); err != nil {
		return err
	}
	if o.Endpoint != "" {
		if err := checkEndpoint(o.Endpoint); err != nil {
			return fmt.Errorf("endpoint: %w", err)
		}
	}
	if !regionName.MatchString(o.Region) {
		return errors.New("region: want a name like eu-west-1")
	}
	if slices.Contains(asleep, o.StorageClass) {
		return fmt.Errorf("storage_class %s: its objects cannot be read at once, and manifests "+
			"must be; let a lifecycle rule move data there instead", o.StorageClass)
	}
	if !slices.Contains(sseKinds, o.SSE) {
		return errors.New("sse: want AES256, aws:kms or aws:kms:dsse")
	}
	if o.KMSKeyID != "" && !strings.HasPrefix(o.SSE, "aws:kms") {
		return errors.New("kms_key_id: it needs sse=aws:kms or sse=aws:kms:dsse")
	}
	if !headerWord.MatchString(o.StorageClass) || !headerWord.MatchString(o.KMSKeyID) {
		return errors.New("storage_class, kms_key_id: want plain letters, digits and signs")
	}
	if len(o.Tags) > tagsMax {
		return fmt.Errorf("tags: want at most %d", tagsMax)
	}
	return nil
}

func checkPrefix(prefix string) error {
	if len(prefix) > prefixMax {
		return fmt.Errorf("prefix of %d bytes: want at most %d", len(prefix), prefixMax)
	}
	if prefix == "" {
		return nil
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("prefix %q: want names joined by single slashes", prefix)
		}
	}
	for _, r := range prefix {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Errorf("prefix %q has a character that is none", prefix)
		}
	}
	return nil
}

// checkEndpoint returns an error unless text is the base URL of a server. It does not repeat text,
// which may hold what it should not.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("want a URL like https://host:port")
	}
	if u.User != nil {
		return errors.New(noSecrets)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want a URL like https://host:port, without ? and #")
	}
	return nil
}

package s3

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// Name is the identity of the place: bucket, prefix and the endpoint of the store. It is equal for
// equal places, also when the endpoint comes from the SDK's settings (AWS_ENDPOINT_URL_S3 and its
// like), and says nothing of how the place is written to. It is a URL that ParseURL reads.
func (o Options) Name() string {
	endpoint := o.Endpoint
	if endpoint == "" {
		endpoint = configuredEndpoint()
	}
	name := scheme + o.Bucket
	if o.Prefix != "" {
		name += "/" + (&url.URL{Path: o.Prefix}).EscapedPath()
	}
	if endpoint = plainEndpoint(endpoint); endpoint != "" {
		name += "?endpoint=" + endpoint
	}
	return name
}

// configuredEndpoint is the endpoint that the SDK takes from the environment or the shared
// configuration. Settings that cannot be read name none; then New fails on them.
func configuredEndpoint() string {
	cfg, err := config.LoadDefaultConfig(context.Background(),
		config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	if err != nil {
		return ""
	}
	return aws.ToString(awss3.NewFromConfig(cfg).Options().BaseEndpoint)
}

// awsHost are the names under which AWS itself gives its buckets; a bucket has one name over all
// its regions, so the region is no part of who it is.
var awsHost = regexp.MustCompile(`^s3([.-](dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com$`)

// plainEndpoint writes an endpoint in one way; AWS itself is none. One that cannot be read is none
// either: it may hold what no name should, and New fails on it.
func plainEndpoint(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	if awsHost.MatchString(host) {
		return ""
	}
	return (&url.URL{Scheme: strings.ToLower(u.Scheme), Host: host,
		Path: strings.TrimRight(u.Path, "/")}).String()
}

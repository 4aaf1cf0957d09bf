package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"logseal/ingest/sink"
)

const (
	dialTimeout = 10 * time.Second
	tlsTimeout  = 10 * time.Second
	// keepAlive finds a peer that went without a word, on connections that wait for a reply.
	keepAlive = 15 * time.Second
	// idleTimeout is below that of stores, which close idle connections after some 20 s or more:
	// a request on a connection that is just being closed has an unclear outcome.
	idleTimeout = 15 * time.Second
	// idlePerHost keeps the connections of all that verify asks at once.
	idlePerHost = 64

	// regionOfOthers is what stores other than AWS expect when nobody says anything.
	regionOfOthers = "us-east-1"
)

// client is what Store and Bucket have in common: one bucket of one store.
type client struct {
	opts Options
	name string
	api  *awss3.Client
	http *http.Client
	// credentials are what requests are signed with.
	credentials *credentials
	// endpoint is what requests go to, for messages; empty: AWS.
	endpoint, region string
	// md5 tells that Content-MD5 goes with a put, and no checksum of S3 is sent or asked for.
	md5 atomic.Bool
	// met tells that a server has answered, so its host is known to have that name.
	met atomic.Bool
}

// asker sends the requests of a client and sees what is answered.
type asker struct{ *client }

// Do implements aws.HTTPClient.
func (a asker) Do(r *http.Request) (*http.Response, error) {
	response, err := a.http.Do(r)
	if err != nil {
		return response, err
	}
	a.met.Store(true)
	if response.StatusCode >= http.StatusMultipleChoices {
		response.Body = &said{ReadCloser: response.Body}
	}
	return response, nil
}

// newClient makes a client of the SDK's settings and ours. The SDK's own retries are off: what
// repeats a call must first find out what the last one did.
func newClient(ctx context.Context, o Options) (*client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Stall == 0 {
		o.Stall = StallDefault
	}
	if o.Patience == 0 {
		o.Patience = PatienceDefault
	}
	c := &client{opts: o, name: o.Name()}
	c.md5.Store(o.Checksum == checksumIsMD5)
	httpClient, err := newHTTPClient(o)
	if err != nil {
		return nil, err
	}
	load := func(ctx context.Context) (aws.Config, error) {
		// The SDK's own log is of what its callers are told by errors.
		return config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient),
			config.WithRegion(o.Region), config.WithLogger(logging.Nop{}))
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.name, &sink.RefusedError{Err: err,
			Fix: "set right what the AWS_* variables or the shared AWS configuration say"})
	}
	c.credentials = newCredentials(cfg.Credentials, load)
	cfg.Credentials = c.credentials
	c.http = ownHTTPClient(cfg.HTTPClient)
	c.api = awss3.NewFromConfig(cfg, c.configure)
	c.endpoint = aws.ToString(c.api.Options().BaseEndpoint)
	if c.endpoint != "" {
		// That of the options was looked at; this may be from the SDK's settings.
		if err := checkEndpoint(c.endpoint); err != nil {
			return nil, fmt.Errorf("open %s: endpoint: %w", c.name, &sink.RefusedError{Err: err,
				Fix: "set right AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or endpoint_url of the profile"})
		}
	}
	c.region = c.api.Options().Region
	if c.region == "" {
		return nil, fmt.Errorf("open %s: %w", c.name, &sink.RefusedError{
			Err: errors.New("no region is set"),
			Fix: "add region= to the URL, e.g. region=eu-west-1, or set AWS_REGION"})
	}
	return c, nil
}

func (c *client) configure(so *awss3.Options) {
	if c.opts.Endpoint != "" {
		so.BaseEndpoint = aws.String(c.opts.Endpoint)
	}
	if so.Region == "" && so.BaseEndpoint != nil {
		so.Region = regionOfOthers
	}
	so.UsePathStyle = so.UsePathStyle || c.opts.PathStyle
	so.HTTPClient = asker{c}
	so.HTTPSignerV4 = signer{}
	so.Retryer = aws.NopRetryer{}
	// A wrong clock is the user's to fix: with the correction on, the first call of each process
	// would fail and the next would not.
	so.DisableClockSkewCorrection = true
	// The digest of each put is given by us, as a value; trailers are what some stores refuse.
	so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	so.DisableLogOutputChecksumValidationSkipped = true
	// The SDK's Expect: 100-continue is sent and not waited for, so it gains nothing.
	so.ContinueHeaderThresholdBytes = -1
}

// validated makes one call ask for the checksum of what it gets, and compare, if the store can.
func (c *client) validated(so *awss3.Options) {
	so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	if c.md5.Load() {
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
}

// newHTTPClient makes the client that requests go through. It is the SDK's buildable one, because
// the SDK adds the CAs of AWS_CA_BUNDLE to that one only and fails on any other.
func newHTTPClient(o Options) (*awshttp.BuildableClient, error) {
	roots, err := rootCAs(o.CAFile)
	if err != nil {
		return nil, err
	}
	return awshttp.NewBuildableClient().WithReadTimeout(0).WithTransportOptions(
		func(tr *http.Transport) {
			// No limit on a whole request, which may be 32 MiB on a slow line: a connection is
			// given up when it stands still, see conn.
			tr.DialContext = dialer(o.Stall)
			tr.TLSHandshakeTimeout = tlsTimeout
			tr.IdleConnTimeout = idleTimeout
			tr.MaxIdleConns = 0
			tr.MaxIdleConnsPerHost = idlePerHost
			// Parallel puts want connections of their own; and one that stands still must not
			// be a stream of a connection that does not.
			tr.ForceAttemptHTTP2 = false
			// A .gz object is read as it is, whatever Content-Encoding says.
			tr.DisableCompression = true
			tr.TLSClientConfig.RootCAs = roots
		}), nil
}

// ownHTTPClient is a client with the settings of what newHTTPClient made and the SDK completed, and
// with connections of its own, so that they can be closed. Redirects are answers to it: a body
// cannot be sent twice, and a signature is for one host.
func ownHTTPClient(built aws.HTTPClient) *http.Client {
	return &http.Client{
		Transport: built.(*awshttp.BuildableClient).GetTransport(),
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Close closes the connections that no call is using. What it is called of can be used on.
func (c *client) Close() { c.http.CloseIdleConnections() }

// rootCAs are the machine's CAs and those of file; nil for the machine's alone.
func rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the machine's CAs: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ca_file: %s holds no PEM certificate", file)
	}
	return pool, nil
}

// object is the object's name in the bucket.
func (c *client) object(key string) *string {
	if c.opts.Prefix != "" {
		key = c.opts.Prefix + "/" + key
	}
	return &key
}

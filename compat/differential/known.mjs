// SPDX-License-Identifier: MIT
//
// Differences that are wanted. Each says where it is seen (cases: "profile/revision/name"; path of the value), what either side
// says (a value, a pattern, undefined for absent; left out: anything), and why. Everything else is a failure, and so is an
// entry that explains nothing any more.

const ANY = /./;
const TEXT = 'text/plain; charset=UTF-8';

/** The differences of one list of cases, whatever they say. */
const all = (cases, reason, path = ANY) => ({ cases, path, reason });

const BINARY_FORM = 'the one form that every official client of 1.x and 2.x reads: who shows that it is one is polled in it, without b64 and j';
const STRING_FORM = 'binary is base64 for who has not shown that it reads anything else, such as embedded clients';

const polling = [
	{ cases: /eio3/, path: /headers\.content-type$/, reference: TEXT, siocast: 'application/octet-stream', reason: BINARY_FORM },
	{ cases: /eio3/, path: /payload\.form$/, reference: 'text', siocast: 'binary', reason: BINARY_FORM },
	{
		cases: /^v[24]\/eio3\/binary-waiting$/,
		path: /headers\.content-type$/,
		reference: 'application/octet-stream',
		siocast: TEXT,
		reason: STRING_FORM,
	},
	{ cases: /^v[24]\/eio3\/binary-waiting$/, path: /payload\.form$/, reference: 'binary', siocast: 'text', reason: STRING_FORM },
	{
		cases: /eio3|jsonp|cors-/,
		path: /headers\.content-type$/,
		reference: TEXT,
		siocast: 'text/javascript; charset=UTF-8',
		reason: 'a script: browsers under nosniff refuse one that is called plain text',
	},
	{
		cases: ANY,
		path: /headers\.content-encoding$/,
		reference: /^(gzip|deflate)$/,
		siocast: undefined,
		reason: 'poll answers are compressed only when configured',
	},
	{
		cases: ANY,
		path: /headers\.cache-control$/,
		reference: undefined,
		siocast: 'no-store',
		reason: 'no answer of the endpoint may be kept by a cache, errors included',
	},
	{
		cases: /^v[12].*eio3/,
		path: /(payload\.packets|received)\.0$/,
		when: (reference, siocast) => reference === siocast?.replace(/,"maxPayload":\d+/, ''),
		reason: 'clients of 1.x and 2.x ignore maxPayload in the open packet',
	},
	{
		cases: /^v[12].*\/(poll|post)-overlap$/,
		path: /status$/,
		reference: 500,
		siocast: 400,
		reason: 'a second poll or POST is the mistake of the client: 400, as servers answer since 4.6',
	},
	all(/^v2-small\/eio3\/limit-(over|far-over|chunked)$/, 'a body over the limit is refused with 413 and the session lives, as in 4.5; 2.x cut the connection'),
	all(/^v1\/eio3\/(post-message-empty|vector-post-bare4)$/, 'a message without a packet in it is an error, as in 2.x and later'),
	all(/^v1\/eio3\/(post-utf8|jsonp-unicode|jsonp-separators(-raw)?|vector-post-echo-2x)$/, 'text of every generation is understood; 1.x understood only its own'),
	all(/^v[24]\/eio3\/vector-post-echo-1x$/, 'text of every generation is understood; 2.x took that of 1.x for what it looks like', /packets/),
	all(/^v4\/eio3\/(vector-post-pong|ws-frames-pong)$/, 'a pong of a client is ignored, as 1.x and 2.x did'),
	all(/^v1\/eio3\/post-bad-utf8/, 'text of every generation is understood; 1.x understood only its own, which U+FFFD is not'),
	all(/post-binary-form-empty$/, 'an empty body is a bad payload in every form', /^1\.|^2\./),
	all(/eio3\/post-binary-form$/, 'packets are answered in their order; Node answers pings before events', /packets/),
];

const refusals = [
	all(/^v4\/eio4\/revision-(x|1|5|44|4x|-4)$/, 'clients send EIO 2, 3 or 4, or none; anything else is code 5, not a guess'),
	all(/^v4\/eio3\/err3-other-revision$/, 'what is not the revision of the session is refused'),
	all(/^v4\/eio4\/err3-other-revision$/, 'who names no revision means that of the session; for Node that is 3', /^2\./),
	all(/^v[12]\/eio3\/transport-twice$/, 'of a repeated parameter the last counts, as in 4.x'),
	all(/eio3\/err5-websocket$/, 'refused before the WebSocket is open; Node writes the refusal into the WebSocket'),
	all(/ws-err0-disabled$/, 'a refused upgrade is answered like every other refused upgrade'),
	all(/^v[12]\/eio3\/ws-(version-none|key-none|key-short)$/, 'the texts of refused WebSocket handshakes are those of 4.x'),
	all(/ws-other-path$/, 'a WebSocket outside the path is refused at once; Node closes the connection after a second, without a word'),
	all(/(ws-other-protocol|http-upgrade-h2c)$/, 'an upgrade to something else than a WebSocket is no upgrade: the request is answered as it stands'),
];

const webSockets = [
	{
		cases: /^v1\//,
		path: /received\.0$/,
		reference: 'close frame 1000',
		siocast: 'close frame without status',
		reason: 'a close frame carries no status unless it has something to say, as since 2.x',
	},
	{
		cases: /^v1\/eio3\/ws-deflate$/,
		path: /headers\.sec-websocket-extensions$/,
		reference: 'permessage-deflate',
		siocast: undefined,
		reason: 'permessage-deflate is agreed to only when configured',
	},
	all(/ws-frames-close-packet$/, 'a close packet closes, on every transport'),
];

// The official servers read requests with the parser of the Node they run on, and Node 20 has become stricter.
const LAX = /http-(no-host(-close|-handshake|-post)?|pipelined-no-host|header-(empty-name|folded)-first|header-empty-name|header-space-before-colon|lines-lf-first)$/;
const byNode = Number.parseInt(process.versions.node, 10) >= 20
	? [all(/http-utf8-target$/, 'old browsers write such bytes into a query; the parser of Node has become stricter')]
	: [all(LAX, 'Node 18 takes heads that later ones refuse; siocast is as strict as Node 20')];

const http = [
	{
		cases: /http-http-1-0-keep-alive$/,
		path: /headers\.connection$/,
		reference: 'close',
		siocast: undefined,
		reason: 'answers have a Content-Length, so that HTTP/1.0 too can keep the connection',
	},
	...byNode,
	all(/http-encoding-unknown$/, 'a body whose end cannot be known is refused before anything else'),
	all(/http-chunk-(size-bad|size-huge|too-long)$/, 'the body is read before the answer: a broken one is the first error'),
	all(/http-expect-other$/, 'an expectation that nobody knows is ignored, as RFC 9110 allows; Node answers 417'),
	all(/http-pipelined-bad$/, 'a broken request behind a good one has its 400, too; Node ends the connection without a word'),
	all(/http-(no-version|version-3|version-1-2|two-spaces)$/, 'a request line that RFC 9112 does not have is refused as no HTTP'),
	all(/http-no-host-websocket$/, 'without a Host it is refused as no HTTP'),
	all(/http-encoding-list$/, 'a coding that nobody undoes is 501, as RFC 9112 has it'),
	all(/http-absolute-target$/, 'a target in absolute form is served, as RFC 9112 demands'),
	all(/http-host-(twice|odd)$/, 'two Hosts, or one that is no host, could be read in two ways'),
	all(/http-connect$/, 'CONNECT is refused, not ignored'),
];

const KEPT_OUT = 'a page of an origin that is kept out may not open a WebSocket or use JSONP either: 403';
const crossOrigin = [
	all(/^v4(-cors-(credentials|fixed|full))?\/eio[34]\/cors-(first|second|stranger|null|case)$/, KEPT_OUT, /^5\./),
	all(/^v4(-cors-(credentials|fixed|full))?\/eio[34]\/cors-upgrade-(first|second|stranger|null|case)$/, KEPT_OUT),
	all(/^v4\/eio[34]\/(ws-origin|handshake-jsonp-origin)$/, KEPT_OUT),
	{
		cases: /^v4-cors\/eio3\/(cors|preflight)-/,
		path: /headers\.(access-control-allow-(origin|credentials)|vary)$/,
		reason: 'pages of 1.x and 2.x always send credentials, and browsers refuse * for them: the origin is repeated instead',
	},
];

const FILE = /file-/;
const files = [
	{ cases: /^v4.*file-/, path: /headers\.etag$/, reference: '"4.8.4"', siocast: /^"[0-9a-f]{32}(-gzip|-br)?"$/, reason: 'the tag is made of the content, one for each encoding' },
	{ cases: /^v[12]\/.*file-encoding/, path: /headers\.etag$/, reference: /^"[12]\.\d\.\d"$/, siocast: /^"[12]\.\d\.\d-(gzip|br)"$/, reason: 'each encoding has a tag of its own (RFC 9110)' },
	{ cases: /^v[12]\/.*file-encoding/, path: /headers\.content-encoding$/, reference: undefined, siocast: /^(gzip|br)$/, reason: 'files are compressed for whoever accepts it; 1.x and 2.x did not' },
	{ cases: /^v[12]\/.*file-/, path: /headers\.cache-control$/, reference: undefined, siocast: 'public, max-age=0', reason: 'what 2.x said of the script and later servers of every file' },
	{ cases: FILE, path: /headers\.vary$/, reference: 'Origin', siocast: 'Accept-Encoding, Origin', reason: 'caches must know that the encoding was negotiated' },
	all(/^v[12]\/.*file-304-weak$/, 'a weak tag is compared weakly (RFC 9110), as 3.x and later do', /^1\./),
	all(/^v[12]\/.*file-(suffix|below)$/, 'a file has one name; 1.x and 2.x gave it under every name that begins so'),
	{
		cases: /^v2\/eio4\/file-/,
		path: /body$/,
		reference: /^(210221|252626) bytes/,
		siocast: /^(62783|405528) bytes/,
		reason: 'beside other versions 2.5.1 gives out the client of 1.7.4, with the tag of 2.5.0: it looks for it one folder too high',
	},
	{
		cases: /^v1\/.*file-/,
		path: /headers\.x-sourcemap$/,
		reference: 'socket.io.js.map',
		siocast: undefined,
		reason: 'the script is the minified one, and the package has no map of it; 1.7.4 names that of another file',
	},
	all(/^v1\/.*file-min$/, 'there under every name that later versions have, if the package has the file'),
	{ cases: FILE, path: /headers\.vary$/, reference: undefined, siocast: 'Accept-Encoding', reason: 'caches must know that the encoding was negotiated' },
	{ cases: FILE, path: /headers\.x-content-type-options$/, reference: undefined, siocast: 'nosniff', reason: 'files are what they are called' },
	{ cases: FILE, path: /headers\.content-type$/, reference: /^application\/json; charset=utf-8$/, siocast: 'application/json', reason: 'JSON has no charset parameter' },
	{ cases: FILE, path: /headers\.content-encoding$/, reference: 'deflate', siocast: /^(undefined|gzip)$/, reason: 'br and gzip are prepared; deflate is for nobody' },
	{ cases: FILE, path: /headers\.content-encoding$/, reference: 'gzip', siocast: 'br', reason: 'the smaller one is preferred' },
	all(/file-304-(exact|weak)$/, 'a 304 repeats the headers of the 200 (RFC 9110)', /^1\.headers\./),
	all(/file-304-(list|star)$/, 'lists and * in If-None-Match are understood', /^1\./),
	all(/file-(POST|PUT|OPTIONS)$/, 'a file can be got, nothing else'),
];

// What 4.8.4 closes a session of revision 3 for, and 1.x or 2.x did not.
const IGNORED = [
	'disc-nocomma', 'reserved-connect', 'reserved-disconnect', 'reserved-newListener', 'reserved-connect_error', 'type7', 'type9',
	'letter', 'connect-null', 'connect-array', 'connect-error-array', 'nsp-id', 'double-connect', 'event-unjoined',
	'disconnect-then-event', 'client-error',
];

// What the parser of 1.x reported to the application, or let pass.
const FATAL_SINCE_2X = [
	'empty-array', 'object', 'null-name', 'bool-name', 'bad-json', 'trailing', 'neg-id', 'float-id', 'ack-object', 'attach-neg', 'attach-none', 'attach-float', 'attach-exp', 'attach-11', 'event-with-count', 'nsp-noslash', 'dup', 'num-oob',
	'num-neg', 'num-string', 'num-missing', 'text-while-waiting', 'empty', 'disconnect-payload', 'ph-as-event-name',
	'attach-nodash', 'stray-binary', 'extra-binary', 'connect-string',
];

const named = (profile, list) => new RegExp(`^${profile}/eio3/vector-ws-(${list.join('|')})$`);

const socketio = [
	{
		cases: /^v4\/eio4\/jsonp-separators$/,
		path: /payload\.packets\.0$/,
		reference: '42["echo","\u2028\u2029"]',
		siocast: '42["echo","\\u2028\\u2029"]',
		reason: 'JSON goes back as it was written, never parsed and written again: an escape stays one',
	},
	{
		cases: named('v4', IGNORED),
		path: /received\.0$/,
		reference: 'close frame without status',
		siocast: undefined,
		reason: 'clients of 1.x and 2.x send late and odd packets: they are ignored, as by the servers of those years',
	},
	all(named('v4', ['double-admin']), 'a namespace that is joined twice is answered twice, as by 2.x'),
	{
		cases: named('v1', FATAL_SINCE_2X),
		path: /received\.0$/,
		reference: /^(undefined|40)$/,
		siocast: 'close frame without status',
		reason: 'a bad packet ends the session, as since 2.x; 1.x went on with what it made of it',
	},
	all(named('v1', ['connect-null', 'connect-array', 'double-connect']), 'a second CONNECT of "/" is ignored, as by 2.x'),
	all(/^(v4\/eio[34]|v2\/eio3)\/vector-ws-attach-0$/, 'a packet that needs no attachment is complete, as for 1.x', /received\.0$/),
	all(named('v2', ['disconnect-then-connect']), 'who joins again is told so; 2.x said nothing'),
	all(/^v1\/eio3\/ws-frames-(binary-untyped|binary-nothing|empty-message)$/, 'a bad packet ends the session, as since 2.x'),
	all(/^v1\/eio3\/ws-frames-ws-unmasked$/, 'a frame without a mask ends a WebSocket (RFC 6455), as since 2.x'),
	all(/^v1\/eio3\/ws-frames-(ws-bad-utf8|ws-surrogate)$/, 'text that is not UTF-8 ends a WebSocket (RFC 6455), as since 2.x'),
	{
		cases: /eio3\/vector-ws-connect-(unknown|denied)$/,
		path: /received\.0$/,
		reference: /^44\/\w+,\{"message":"Invalid namespace"\}$/,
		siocast: /^44\/\w+,"Invalid namespace"$/,
		reason: 'clients of 1.x and 2.x expect the text itself',
	},
	{
		cases: /^v1\/eio3\/vector-ws-/,
		path: /received\.\d+$/,
		reference: '40/admin',
		siocast: '40/admin,',
		reason: 'the comma after a namespace is always written, as since 2.x; 1.x reads both',
	},
];

export const known = [...polling, ...refusals, ...webSockets, ...crossOrigin, ...http, ...files, ...socketio];

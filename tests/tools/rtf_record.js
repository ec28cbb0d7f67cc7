// SPDX-License-Identifier: Apache-2.0
/*
 * rtf_record.js - what others make of bodies in RTF: decompressrtf 0.1.4 of
 * @kenjiuno unpacks them, rtf-stream-parser 3.8.1 takes text and HTML out of
 * them. Tests compare with what is recorded here and don't run it.
 *
 *   rtf_dump --save DIR --pst FILE...   and --body FILE...
 *   NODE_PATH=node_modules node rtf_record.js DIR RECORD.json
 *
 * RECORD.json: "bodies", by the SHA-256 of the property: "rtf", the SHA-256 of
 * what was packed, "kind", and of "text" and "html" also "octets" and the
 * SHA-256 of the text (UTF-8, LF); "made": RTF that is ours, kept as it
 * is, with kind and text. Bodies that are not in DIR stay as they are.
 */
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const iconv = require('iconv-lite');
const { decompressRTF } = require('@kenjiuno/decompressrtf');
const { deEncapsulateSync } = require('rtf-stream-parser');

function sha(octets) {
	return crypto.createHash('sha256').update(octets).digest('hex');
}

function takenOut(rtf) {
	try {
		const r = deEncapsulateSync(rtf, {
			decode: iconv.decode, mode: 'either', warn: () => {},
		});
		// Half a pair of surrogates is no text.
		const text = Buffer.from(r.text).toString();
		return { kind: r.mode, text: text.replace(/\r\n/g, '\n') };
	} catch (e) {
		if (!/^Not encapsulated/.test(e.message))
			throw e;
		return { kind: 'plain' };
	}
}

function body(file) {
	const packed = fs.readFileSync(file);
	const rtf = Buffer.from(decompressRTF(Array.from(packed)));
	const { kind, text } = takenOut(rtf);
	const told = { rtf: sha(rtf), kind };

	if (text !== undefined) {
		told.octets = Buffer.byteLength(text);
		told.text = sha(Buffer.from(text));
	}
	return [sha(packed), told];
}

const [dir, record] = process.argv.slice(2);
const known = fs.existsSync(record)
	? JSON.parse(fs.readFileSync(record)) : { bodies: {}, made: [] };
for (const name of fs.readdirSync(dir).sort()) {
	if (!name.endsWith('.lzfu'))
		continue;
	const [id, told] = body(path.join(dir, name));
	known.bodies[id] = told;
}
known.bodies = Object.fromEntries(Object.entries(known.bodies).sort());
known.made = known.made.map(({ rtf }) =>
	({ rtf, ...takenOut(Buffer.from(rtf, 'latin1')) }));
fs.writeFileSync(record, JSON.stringify(known, null, 1) + '\n');

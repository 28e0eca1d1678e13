import test from 'ava';
import {signInPage} from '../../../src/entra/sign-in/sign-in-page.ts';

test('the page says who signed in, and nothing in a name becomes a part of the page', (t) => {
  const page = signInPage({kind: 'signed-in', username: '<script>alert("1")</script>\u202e&'});
  t.regex(page, /<p>as <b>&#60;script&#62;alert\(&#34;1&#34;\)&#60;\/script&#62;\\u\{202e\}&#38;<\/b><\/p>/);
  t.notRegex(page, /<script/);
});

test('a name that the issuer does not tell is left out', (t) => {
  t.notRegex(signInPage({kind: 'signed-in', username: undefined}), /<b>/);
});

test('every page is closed to the world: it loads nothing and sends nothing', (t) => {
  for (const page of [
    signInPage({kind: 'signed-in', username: 'ada@contoso.example'}),
    signInPage({kind: 'not-signed-in', reason: 'It was declined.'}),
    signInPage({kind: 'astray', reason: 'Nothing is at this address.'}),
  ])
    t.notRegex(page, /https?:|<script|<form|<img|<link|url\(|href|src=/);
});

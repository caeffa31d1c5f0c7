/** What is around every screen: where one can go, who one is, a search, and what everybody must know now. */
import { useEffect, useRef, useState } from 'react';
import { useLive } from './live.ts';
import { Link, match, navigate, usePlace } from './router.tsx';
import { scopeInWords, usePauses } from './screens/Pauses.tsx';
import { SCREENS, type Screen } from './screens.ts';
import { useMay, useSession } from './session.tsx';
import { Dialog, textOf } from './ui/Dialog.tsx';
import { useKeys } from './ui/keys.ts';
import { Empty } from './ui/states.tsx';

const SHORTCUTS: Readonly<Record<string, string>> = {
  '/': 'search',
  'j / k': 'the next, the one before',
  'Enter, o': 'open it',
  a: 'approve (in the review queue)',
  r: 'reject',
  x: 'choose for several at once',
  '?': 'this',
};

export function Shell() {
  const { path } = usePlace();
  const [isHelp, setHelp] = useState(false);
  const screens = useScreens();
  const found = screens.map((screen) => ({ screen, params: match(screen.path, path) })).find(({ params }) => params);
  const search = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => search.current?.focus(), '?': () => setHelp(true) });
  return (
    <>
      <a className="skip" href="#content">
        To the content
      </a>
      <header>
        <Link to="/" className="brand">
          oncepay
        </Link>
        <Search input={search} />
        <Who />
      </header>
      <Notices />
      <div className="frame">
        <Nav screens={screens} path={path} />
        {found?.params ? (
          <Content key={path} screen={found.screen} params={found.params} />
        ) : (
          <main id="content">
            <h1>Nothing here</h1>
            <Empty>There is no such page for you. The menu has those that there are.</Empty>
          </main>
        )}
      </div>
      {isHelp && (
        <Dialog title="Keys" onClose={() => setHelp(false)}>
          <dl className="facts">
            {Object.entries(SHORTCUTS).map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <div className="buttons">
            <button type="button" className="main" onClick={() => setHelp(false)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Those that whoever is signed in has. */
function useScreens(): readonly Screen[] {
  const { who } = useSession();
  const may = useMay();
  return SCREENS.filter(({ of, needs }) => of === who.kind && (needs === undefined || may(needs)));
}

function Content({ screen, params }: { readonly screen: Screen; readonly params: Readonly<Record<string, string>> }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const title = screen.title(params);
  useEffect(() => {
    document.title = `${title} · oncepay`;
    heading.current?.focus(); // whoever cannot see it hears where they are
  }, [title]);
  return (
    <main id="content">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <screen.show {...params} />
    </main>
  );
}

function Nav({ screens, path }: { readonly screens: readonly Screen[]; readonly path: string }) {
  return (
    <nav aria-label="Pages">
      {screens.flatMap(({ path: to, nav }) =>
        nav === undefined
          ? []
          : [
              <Link key={to} to={to} aria-current={path === to || (to !== '/' && path.startsWith(`${to}/`)) ? 'page' : undefined}>
                {nav}
              </Link>,
            ],
      )}
    </nav>
  );
}

function Search({ input }: { readonly input: React.RefObject<HTMLInputElement | null> }) {
  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const words = textOf(new FormData(event.currentTarget), 'q');
          if (words) navigate(`/search?${new URLSearchParams({ q: words })}`);
        }}
      >
        <input
          ref={input}
          name="q"
          type="search"
          aria-label="Search by id or reference"
          placeholder="Search   /"
          maxLength={128}
        />
      </form>
    </search>
  );
}

function Who() {
  const { who } = useSession();
  return (
    <Link to="/account" className="who">
      <span>{who.name}</span> <span className={`chip ${who.mode === 'live' ? 'bad' : 'quiet'}`}>{who.role ?? who.mode}</span>
    </Link>
  );
}

function Notices() {
  const { who } = useSession();
  const live = useLive();
  const pauses = usePauses(who.kind === 'admin');
  return (
    <div aria-live="polite">
      {who.mode === 'test' && <p className="notice test">Test: no real money moves here.</p>}
      {pauses.data?.data.map((pause) => (
        <p key={pause.id} className="notice paused">
          Paused: {scopeInWords(pause)}. Nothing new of it is sent: {pause.reason}. <Link to="/pauses">Pauses</Link>
        </p>
      ))}
      {live === 'lost' && (
        <p className="notice lost">The connection is lost. What you see may be old; it catches up by itself.</p>
      )}
    </div>
  );
}

" SPDX-License-Identifier: MIT
" The dashboard, swarm://dashboard: its buffer, and what is drawn when.
"
"   swarm#dashboard#command(words, command)   shows it (:Swarm)
"   swarm#dashboard#agents_here()   the marked agents, else the one under the cursor: [id]
"   swarm#dashboard#changed()       what is to be seen was chosen anew: shows it, too
"   swarm#dashboard#refresh()       reads the list anew
"   swarm#dashboard#draw()          brings it up to date at once
"   swarm#dashboard#make_room()     gives lines to what was opened below
"
" An index says in which line each agent is (rows, line_of). An event that leaves an agent in its
" place marks its line as dirty; lines that a window shows are formatted anew at most 20 times a
" second, the others a few at a time. An event that moves agents has the rows computed anew, and only
" what moved is taken out and put in. Nothing is done while no window shows the buffer.

let s:NAME = 'swarm://dashboard'
let s:TICK = 1000 " ms: ages
let s:STATS = 30 " ticks between looks at the server's own figures
let s:UNSEEN = 5 " dirty lines that no window shows, formatted each time something is drawn
let s:UNSEEN_TICK = 50 " and each second

let s:rows = [] " of each line: the agent's id, or what else it is, with a blank in it
let s:depths = {} " id -> how deep it is below its parents
let s:line_of = {} " row -> line, from 1
let s:places = {} " id -> what decides where it is, when the rows were computed
let s:dirty = {} " ids whose lines may differ from what they show
let s:stale = v:true " have the rows to be computed anew?
let s:movers = {} " ids of agents that have changed their places since
let s:pending = v:false " is a draw asked for?
let s:marked = {}
let s:plan = {} " see lines.vim
let s:view = {'model': {'shown': 0, 'total': 0, 'counts': [], 'overlaps': 0}, 'tokens': 0, 'cost': 0.0,
      \ 'problem': '', 'stats': {}, 'filter': '', 'sort': 'age', 'session': v:false, 'marked': 0} " see head.vim
let s:sums = {} " id -> [tokens, cost], as they are in the totals
let s:files = v:false " has an agent changed a file?
let s:timer = -1
let s:ticks = 0
let s:now = 0

function! s:redraw() abort
  if !s:pending
    let bufnr = swarm#buffer#find(s:NAME)
    if bufnr
      let s:pending = v:true
      call swarm#buffer#every(bufnr, function('swarm#dashboard#draw'))
    endif
  endif
endfunction

function! s:compute_later() abort
  let s:stale = v:true
  call s:redraw()
endfunction

" --- The rows. ---

" What decides where an agent is, but for its order among others.
function! s:place(agent) abort
  return swarm#dashboard#model#group(a:agent.state) .. get(a:agent, 'parentId', '')
endfunction

function! s:count(agent) abort
  let old = get(s:sums, a:agent.id, [0, 0.0])
  let usage = get(a:agent, 'usage', {})
  let new = [get(usage, 'inputTokens') + get(usage, 'outputTokens'), get(usage, 'costUsd')]
  let s:sums[a:agent.id] = new
  let s:view.tokens += new[0] - old[0]
  let s:view.cost += new[1] - old[1]
endfunction

function! s:count_all() abort
  let s:sums = {}
  let s:places = {}
  let s:view.tokens = 0
  let s:view.cost = 0.0
  for id in keys(s:depths)
    let agent = swarm#state#get(id)
    let s:places[id] = s:place(agent)
    call s:count(agent)
  endfor
endfunction

function! s:compute_rows() abort
  call extend(s:view, swarm#dashboard#choose#choice())
  let s:view.model = swarm#dashboard#model#build(swarm#state#agents(), {'filter': split(tolower(s:view.filter)),
        \ 'scope': s:view.session ? swarm#rpc#scope() : 'all', 'sort': s:view.sort})
  let s:depths = {}
  let rows = ['head ', 'keys '] + (empty(swarm#dashboard#head#warnings(s:view)) ? [] : ['warnings '])
  for group in range(len(s:view.model.groups))
    let agents = s:view.model.groups[group]
    if !empty(agents)
      call extend(rows, ['blank ' .. group, 'title ' .. group])
      call extend(rows, map(copy(agents), 'v:val[0]'))
      for [id, depth] in agents
        let s:depths[id] = depth
      endfor
    endif
  endfor
  if !s:view.model.shown
    call extend(rows, map(range(len(swarm#dashboard#head#empty(s:view))), '"empty " .. v:val'))
  endif
  call s:count_all()
  return rows
endfunction

" --- Lines. ---

function! s:agent_line(id) abort
  return swarm#dashboard#lines#agent(swarm#state#get(a:id), s:depths[a:id], has_key(s:marked, a:id), s:now, s:plan)
endfunction

function! s:other_line(row) abort
  let [what, rest] = split(a:row, ' ', 1)
  if what ==# 'head'
    return swarm#dashboard#head#line(s:view)
  elseif what ==# 'keys'
    return swarm#dashboard#head#keys()
  elseif what ==# 'warnings'
    let text = ' ! ' .. swarm#dashboard#head#warnings(s:view)
    return {'text': text, 'spans': [[1, len(text) - 1, 'SwarmWaiting']]}
  elseif what ==# 'title'
    let title = swarm#dashboard#model#title(rest)
    return {'text': ' ' .. title, 'spans': [[1, len(title), 'SwarmHeading']]}
  elseif what ==# 'empty'
    let text = get(swarm#dashboard#head#empty(s:view), rest, '')
    return rest == 1 ? {'text': text, 'spans': [[1, len(text) - 1, 'SwarmHeading']]} : text
  endif
  return ''
endfunction

function! s:line(row) abort
  return has_key(s:depths, a:row) ? s:agent_line(a:row) : s:other_line(a:row)
endfunction

function! s:draw_line(bufnr, id) abort
  if has_key(s:depths, a:id)
    call s:count(swarm#state#get(a:id))
    call swarm#dashboard#clock#drawn(swarm#state#get(a:id), s:now)
    call swarm#buffer#splice(a:bufnr, s:line_of[a:id], 1, [s:agent_line(a:id)])
  endif
  if has_key(s:dirty, a:id)
    call remove(s:dirty, a:id)
  endif
endfunction

" --- Cursors. ---

" Which agent the cursor of each window is on, and in which line of the window.
function! s:cursors(windows) abort
  let cursors = []
  for window in a:windows
    let cursor = getcurpos(window)
    let id = get(s:rows, cursor[1] - 1, '')
    call add(cursors, [window, has_key(s:depths, id) ? id : '', cursor, cursor[1] - getwininfo(window)[0].topline])
  endfor
  return cursors
endfunction

" The cursor goes along with its agent; where there was none before, to the first.
function! s:follow(cursors, none_before) abort
  let first = a:none_before ? index(map(copy(s:rows), 'has_key(s:depths, v:val)'), 1) + 1 : 0
  for [window, id, cursor, below] in a:cursors
    let line = empty(id) ? first : get(s:line_of, id)
    if line && line != getcurpos(window)[1]
      call win_execute(window, printf('call winrestview({"lnum": %d, "col": %d, "curswant": %d, "topline": %d})',
            \ line, cursor[2] - 1, cursor[4] - 1, max([1, line - below])))
    endif
    call s:fill(window)
  endfor
endfunction

" No line is out of sight above while there is room below.
function! s:fill(window) abort
  let last_top = max([1, len(s:rows) - winheight(a:window) + 1])
  if getwininfo(a:window)[0].topline > last_top
    call win_execute(a:window, printf('call winrestview({"topline": %d})', last_top))
  endif
endfunction

" --- Drawing. ---

function! s:draw_rows(bufnr, windows, whole) abort
  let cursors = s:cursors(a:windows)
  let old_depths = s:depths
  let rows = s:compute_rows()
  if a:whole
    call swarm#buffer#render(a:bufnr, map(copy(rows), 's:line(v:val)'), 1)
    let s:dirty = {}
  else
    call swarm#dashboard#rows#move(a:bufnr, s:rows, rows, s:movers, function('s:line'))
    for id in keys(filter(copy(s:depths), 'get(old_depths, v:key, v:val) != v:val'))
      let s:dirty[id] = v:true
    endfor
  endif
  let s:movers = {}
  let s:rows = rows
  let s:line_of = {}
  for at in range(len(rows))
    let s:line_of[rows[at]] = at + 1
  endfor
  call filter(s:marked, 'has_key(s:depths, v:key)')
  call s:follow(cursors, empty(old_depths))
endfunction

" The agents whose lines windows show.
function! s:seen(windows) abort
  let seen = []
  for window in a:windows
    let about = getwininfo(window)[0]
    let seen += filter(s:rows[about.topline - 1 : about.botline - 1], 'has_key(s:depths, v:val)')
  endfor
  return seen
endfunction

function! s:draw_dirty(bufnr, windows, unseen) abort
  for id in filter(s:seen(a:windows), 'has_key(s:dirty, v:val)')
    call s:draw_line(a:bufnr, id)
  endfor
  for id in keys(s:dirty)[: a:unseen - 1]
    call s:draw_line(a:bufnr, id)
  endfor
endfunction

function! s:draw_head(bufnr) abort
  let s:view.marked = len(s:marked)
  for row in ['head ', 'warnings ', 'empty 1', 'empty 2']
    if has_key(s:line_of, row)
      call swarm#buffer#splice(a:bufnr, s:line_of[row], 1, [s:other_line(row)])
    endif
  endfor
endfunction

" The buffer and the windows that show it; [0, []] when there is nothing to draw on.
function! s:canvas() abort
  let bufnr = swarm#buffer#find(s:NAME)
  let windows = bufnr ? win_findbuf(bufnr) : []
  return [bufnr, windows]
endfunction

function! swarm#dashboard#draw() abort
  let s:pending = v:false
  let [bufnr, windows] = s:canvas()
  if empty(windows)
    return
  endif
  let s:now = localtime()
  let width = max([40] + map(copy(windows), 'winwidth(v:val)'))
  let whole = empty(s:rows) || get(s:plan, 'width') != width
  if whole
    let s:plan = swarm#dashboard#lines#plan(width, s:files)
  endif
  if s:stale || whole || has_key(s:line_of, 'warnings ') == empty(swarm#dashboard#head#warnings(s:view))
    let s:stale = v:false
    call s:draw_rows(bufnr, windows, whole)
  endif
  call s:draw_dirty(bufnr, windows, s:UNSEEN)
  call s:draw_head(bufnr)
  if s:timer == -1 && !empty(s:depths)
    let s:timer = timer_start(s:TICK, function('s:tick'), {'repeat': -1})
  endif
endfunction

" Only while a window shows it and there is an agent.
function! s:tick(timer) abort
  let [bufnr, windows] = s:canvas()
  if empty(windows) || empty(s:depths)
    call timer_stop(s:timer)
    let s:timer = -1
    return
  endif
  let s:ticks += 1
  let s:now = localtime()
  if s:ticks % 3 == 0 && index(['age', 'name'], s:view.sort) < 0
    call s:compute_later()
  endif
  if s:ticks % s:STATS == 0
    call s:read_stats()
  endif
  let aged = filter(s:seen(windows), 'swarm#dashboard#clock#is_due(v:val, s:now)')
  call swarm#dashboard#clock#draw(aged + keys(s:dirty)[: s:UNSEEN_TICK - 1], function('s:draw_due', [bufnr]))
endfunction

" What was drawn meanwhile is left out.
function! s:draw_due(bufnr, id) abort
  if bufloaded(a:bufnr) && (has_key(s:dirty, a:id) || swarm#dashboard#clock#is_due(a:id, s:now))
    call s:draw_line(a:bufnr, a:id)
  endif
endfunction

" --- What happens. ---

function! s:agent(data) abort
  let id = a:data.id
  if get(s:places, id, '') !=# s:place(a:data.agent)
    let s:stale = v:true
    let s:movers[id] = v:true
  elseif empty(get(a:data.agent, 'overlaps', [])) != empty(get(a:data.old, 'overlaps', []))
    let s:stale = v:true
  endif
  if !s:files && has_key(a:data.agent, 'changes')
    let [s:files, s:plan] = [v:true, {}]
  endif
  let s:dirty[id] = v:true
  if !s:pending
    call s:redraw()
  endif
endfunction

function! s:read_stats() abort
  if get(swarm#rpc#info(), 'ready')
    call swarm#rpc#request('swarm/stats', {}, function('s:took_stats'))
  endif
endfunction

function! s:took_stats(error, result) abort
  if empty(a:error)
    let s:view.stats = a:result
    call s:redraw()
  endif
endfunction

function! s:exit(data) abort
  let s:view.problem = a:data.reason
  let s:view.stats = {}
  call s:compute_later()
endfunction

function! s:ready(data) abort
  let s:view.problem = ''
  call s:read_stats()
  call s:compute_later()
endfunction

call swarm#event#on('agent', function('s:agent'))
call swarm#event#on('gone', {data -> s:compute_later()})
call swarm#event#on('agents', {data -> s:compute_later()})
call swarm#event#on('ready', function('s:ready'))
call swarm#event#on('exit', function('s:exit'))
call swarm#event#on('opened', {data -> getbufvar(data.bufnr, '&filetype') ==# 'swarm' ? 0 : swarm#dashboard#make_room()})

" --- The buffer. ---

function! s:set_up() abort
  let [s:rows, s:plan, s:stale, s:pending] = [[], {}, v:true, v:false]
  call swarm#dashboard#keys#set()
  augroup swarm_dashboard
    autocmd! * <buffer>
    autocmd BufWinEnter,BufEnter <buffer> call s:entered()
    autocmd WinScrolled,CursorMoved <buffer> call s:scrolled()
    autocmd! VimResized *
    autocmd VimResized * call s:redraw()
  augroup END
endfunction

function! s:entered() abort
  call swarm#buffer#options(['nowrap', 'cursorline', 'nonumber', 'norelativenumber', 'nospell', 'nolist',
        \ 'signcolumn=no', 'foldcolumn=0', 'nofoldenable', 'colorcolumn='])
  call s:redraw()
endfunction

" Lines that come into sight are brought up to date.
function! s:scrolled() abort
  if !empty(s:dirty) && get(w:, 'swarm_top') != line('w0')
    let w:swarm_top = line('w0')
    call s:redraw()
  endif
endfunction

function! swarm#dashboard#refresh() abort
  let s:view.problem = ''
  call swarm#state#refresh(function('s:refreshed'))
  call s:compute_later()
endfunction

function! s:refreshed(error) abort
  if !empty(a:error)
    let s:view.problem = get(a:error, 'ended') ? a:error.message : ''
    call swarm#ui#report(a:error, 'the list of agents')
  endif
  call s:read_stats()
  call s:compute_later()
endfunction

function! swarm#dashboard#command(words, command) abort
  let how = a:command.modifiers
  if empty(how) && !swarm#buffer#window(swarm#buffer#find(s:NAME))
    " In an empty window nothing has to be split.
    let how = swarm#buffer#nothing_here() ? 'here' : 'botright'
  endif
  call swarm#buffer#open(s:NAME, 'swarm', how, function('s:set_up'))
  call swarm#dashboard#refresh()
endfunction

" Above a transcript or a review it takes no more lines than it has, and at most a third.
function! swarm#dashboard#make_room() abort
  let window = swarm#buffer#window(swarm#buffer#find(s:NAME))
  let height = max([6, min([len(s:rows) + 1, &lines / 3])])
  if window && winwidth(window) == &columns && winheight(window) > height
    call win_execute(window, 'resize ' .. height)
    call s:fill(window)
  endif
endfunction

function! swarm#dashboard#changed() abort
  if !swarm#buffer#find(s:NAME)
    call swarm#dashboard#command('', {'modifiers': ''})
  endif
  call s:compute_later()
endfunction

" --- Marks. ---

function! swarm#dashboard#agents_here() abort
  if !empty(s:marked)
    return filter(copy(s:rows), 'has_key(s:marked, v:val)')
  endif
  let id = get(s:rows, line('.') - 1, '')
  return has_key(s:depths, id) ? [id] : []
endfunction

" Of a single line the mark is turned around.
function! swarm#dashboard#mark(first, last) abort
  for id in filter(s:rows[a:first - 1 : a:last - 1], 'has_key(s:depths, v:val)')
    if has_key(s:marked, id) && a:first == a:last
      call remove(s:marked, id)
    else
      let s:marked[id] = v:true
    endif
    let s:dirty[id] = v:true
  endfor
  call s:redraw()
endfunction

function! swarm#dashboard#unmark() abort
  call extend(s:dirty, s:marked)
  let s:marked = {}
  call s:redraw()
endfunction

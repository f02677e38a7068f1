" SPDX-License-Identifier: MIT
" The items of one transcript as the server's pages and events make them. It knows no buffer: it
" notes which items changed and how, and who shows them takes these notes with changes().
"
" Text that streams grows by deltas, whose offset (in bytes, as Vim counts too) says what is new in
" them: a part that is known already, or comes twice, changes nothing. A completed item is the truth.

function! swarm#transcript#stream#new() abort
  return {'items': {}, 'dirty': {}, 'appended': {}, 'answers': {}}
endfunction

" Where the text that grows is kept, by kind.
function! s:field(item) abort
  return a:item.kind ==# 'tool' ? 'output' : 'text'
endfunction

" How long an item took, where that is known: from its own time to its end. A call that a person was
" asked about began with the answer.
function! s:seconds(self, item) abort
  let from = get(a:self.answers, a:item.id, get(a:item, 'time', ''))
  let [first, last] = [swarm#util#seconds(from), swarm#util#seconds(get(a:item, 'endedAt', ''))]
  return first is v:null || last is v:null ? 0.0 : last - first
endfunction

" A question tells two things of its call: that its patch is shown here, and when it was answered.
function! s:take_question(self, item) abort
  let question = get(a:item, 'approval', {})
  let call = swarm#items#text#of(question, 'itemId')
  if call ==# ''
    return
  endif
  if a:item.status !=# 'started'
    let a:self.answers[call] = swarm#items#text#of(a:item, 'endedAt')
  endif
  if has_key(a:self.items, call)
    let known = a:self.items[call]
    let known.asked = swarm#items#text#of(question, 'patch') !=# ''
    let known.seconds = s:seconds(a:self, known)
    let a:self.dirty[call] = 1
  endif
endfunction

function! s:take_item(self, item) abort
  let item = a:item
  let known = get(a:self.items, item.id, {})
  if !empty(known)
    if known.status !=# 'started' && item.status ==# 'started'
      return
    endif
    " A `started` that comes again must not take away the text that has streamed since.
    let field = s:field(item)
    let have = swarm#items#text#of(known, field)
    if item.status ==# 'started' && strlen(have) > strlen(swarm#items#text#of(item, field))
      let item[field] = have
    endif
    let item.seq = get(known, 'seq', get(item, 'seq', 0))
    let item.asked = get(known, 'asked', 0)
  endif
  if item.kind ==# 'approval'
    call s:take_question(a:self, item)
  endif
  let item.seconds = s:seconds(a:self, item)
  let a:self.items[item.id] = item
  let a:self.dirty[item.id] = 1
  silent! unlet a:self.appended[item.id]
endfunction

function! s:take_delta(self, event) abort
  let item = get(a:self.items, a:event.itemId, {})
  if get(item, 'status', '') !=# 'started'
    return
  endif
  let field = s:field(item)
  let have = swarm#items#text#of(item, field)
  let offset = get(a:event, 'offset', strlen(have))
  let text = a:event.text
  if offset > strlen(have)
    " Something between is missing; it comes again from the start, or with the completed item.
    return
  endif
  let known = strpart(have, offset, strlen(text))
  if strpart(text, 0, strlen(known)) !=# known
    " The text began anew, after an attempt that failed.
    let item[field] = strpart(have, 0, offset) . text
    let a:self.dirty[item.id] = 1
    silent! unlet a:self.appended[item.id]
    return
  endif
  let new = strpart(text, strlen(known))
  if new !=# ''
    let item[field] = have . new
    if !has_key(a:self.dirty, item.id)
      let a:self.appended[item.id] = get(a:self.appended, item.id, '') . new
    endif
  endif
endfunction

" Takes an `item` or `delta` event.
function! swarm#transcript#stream#take(self, event) abort
  if a:event.type ==# 'item'
    call s:take_item(a:self, a:event.item)
  elseif a:event.type ==# 'delta'
    call s:take_delta(a:self, a:event)
  endif
endfunction

" Takes the items of a page.
function! swarm#transcript#stream#take_page(self, items) abort
  for item in a:items
    call s:take_item(a:self, item)
  endfor
endfunction

function! s:by_seq(one, other) abort
  return get(a:one.item, 'seq', 0) - get(a:other.item, 'seq', 0)
endfunction

" What changed since the last call: a list of {item, appended?} in the order of the items; appended
" is the new end of its text when nothing else changed.
function! swarm#transcript#stream#changes(self) abort
  let list = []
  for id in keys(a:self.dirty)
    call add(list, {'item': a:self.items[id]})
  endfor
  for [id, text] in items(a:self.appended)
    if !has_key(a:self.dirty, id)
      call add(list, {'item': a:self.items[id], 'appended': text})
    endif
  endfor
  let a:self.dirty = {}
  let a:self.appended = {}
  return len(list) > 1 ? sort(list, function('s:by_seq')) : list
endfunction

//! What the commands that search for places ask for.

use russet_data::geo::{Area, Place, Shape};
use russet_data::number::parse_f64;
use russet_data::sorted_set::SortedSet;

use super::arguments::{place, place_of, unit_meters};
use crate::error::Error;
use crate::exec::Ctx;

/// How a command says where it searches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// GEORADIUS: place and radius at fixed arguments.
    AroundPlace,
    /// GEORADIUSBYMEMBER: a member instead of the place.
    AroundMember,
    /// GEOSEARCH: everything by options.
    Search,
}

/// What becomes of the results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// They are replied; GEORADIUS can be asked to store them.
    Reply {
        /// Whether it can.
        may_store: bool,
    },
    /// They are stored under the key at argument 1: GEOSEARCHSTORE.
    Store,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// A search.
#[derive(Default)]
pub(super) struct Options {
    /// `None` only if there is nothing to search in.
    pub(super) area: Option<Area>,
    pub(super) with_distance: bool,
    pub(super) with_score: bool,
    pub(super) with_place: bool,
    pub(super) order: Option<Order>,
    /// 0: all.
    pub(super) count: usize,
    /// The first ones found will do.
    pub(super) any: bool,
    /// The argument with the key that gets the results.
    pub(super) store_at: Option<usize>,
    /// Distances are stored as scores.
    pub(super) store_distances: bool,
}

/// Where the area is and what it is, while it is being read.
#[derive(Default)]
struct Parts {
    from_member: bool,
    from_place: bool,
    middle: Option<Place>,
    shape: Option<(Shape, f64)>,
}

impl Options {
    /// Reads the arguments of a command; `set` is what it searches in.
    pub(super) fn parse(
        ctx: &Ctx<'_>,
        set: Option<&SortedSet>,
        form: Form,
        target: Target,
    ) -> Result<Self, Error> {
        let mut options = Options::default();
        let mut parts = Parts::default();
        let first = match form {
            Form::AroundPlace => {
                parts.middle = Some(place(ctx, 2)?);
                parts.shape = Some(circle(ctx, 4)?);
                6
            }
            Form::AroundMember => {
                // Without a key, nobody looks at where it is searched.
                if let Some(set) = set {
                    parts.middle = Some(member_place(ctx, set, 2)?);
                    parts.shape = Some(circle(ctx, 3)?);
                }
                5
            }
            Form::Search if target == Target::Store => {
                options.store_at = Some(1);
                3
            }
            Form::Search => 2,
        };
        let mut at = first;
        while at < ctx.args.len() {
            let taken = match options.accept(ctx, at, form, target)? {
                Some(taken) => Some(taken),
                None if form == Form::Search => parts.accept(ctx, at, set)?,
                None => None,
            };
            at += taken.ok_or(Error::SYNTAX)?;
        }
        options.check(ctx, &parts, form, target)?;
        options.area = parts.middle.zip(parts.shape).map(|(middle, (shape, unit_meters))| Area {
            middle,
            shape,
            unit_meters,
        });
        Ok(options)
    }

    /// Reads the option at an argument, and returns how many arguments that were; `None` if it is none
    /// of these.
    fn accept(
        &mut self,
        ctx: &Ctx<'_>,
        at: usize,
        form: Form,
        target: Target,
    ) -> Result<Option<usize>, Error> {
        let has_next = at + 1 < ctx.args.len();
        let may_store = target == (Target::Reply { may_store: true }) && has_next;
        match () {
            () if ctx.is(at, "WITHDIST") => self.with_distance = true,
            () if ctx.is(at, "WITHHASH") => self.with_score = true,
            () if ctx.is(at, "WITHCOORD") => self.with_place = true,
            () if ctx.is(at, "ANY") => self.any = true,
            () if ctx.is(at, "ASC") => self.order = Some(Order::Ascending),
            () if ctx.is(at, "DESC") => self.order = Some(Order::Descending),
            () if ctx.is(at, "COUNT") && has_next => {
                let count = usize::try_from(ctx.int(at + 1)?).unwrap_or(0);
                if count == 0 {
                    return Err(Error::new("ERR COUNT must be > 0"));
                }
                self.count = count;
                return Ok(Some(2));
            }
            () if may_store && form != Form::Search && is_store(ctx, at) => {
                self.store_at = Some(at + 1);
                self.store_distances = ctx.is(at, "STOREDIST");
                return Ok(Some(2));
            }
            () if target == Target::Store && ctx.is(at, "STOREDIST") => self.store_distances = true,
            () => return Ok(None),
        }
        Ok(Some(1))
    }

    /// Refuses options that do not go together, or not without others.
    fn check(&self, ctx: &Ctx<'_>, parts: &Parts, form: Form, target: Target) -> Result<(), Error> {
        if self.store_at.is_some() && (self.with_distance || self.with_score || self.with_place) {
            let what = if target == Target::Store {
                "GEOSEARCHSTORE"
            } else {
                "STORE option in GEORADIUS"
            };
            return Err(Error::new(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let name = ctx.args.get(0);
        if form == Form::Search && !(parts.from_member || parts.from_place) {
            let text = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {}";
            return Err(Error::quoting(text, &[name]));
        }
        if form == Form::Search && parts.shape.is_none() {
            let text = "ERR exactly one of BYRADIUS and BYBOX can be specified for {}";
            return Err(Error::quoting(text, &[name]));
        }
        if self.any && self.count == 0 {
            return Err(Error::new("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }
}

fn is_store(ctx: &Ctx<'_>, at: usize) -> bool {
    ctx.is(at, "STORE") || ctx.is(at, "STOREDIST")
}

impl Parts {
    /// As [`Options::accept`], for the options of GEOSEARCH that say where.
    fn accept(
        &mut self,
        ctx: &Ctx<'_>,
        at: usize,
        set: Option<&SortedSet>,
    ) -> Result<Option<usize>, Error> {
        let following = ctx.args.len() - at - 1;
        let is_box = matches!(self.shape, Some((Shape::Box { .. }, _)));
        let is_circle = matches!(self.shape, Some((Shape::Circle { .. }, _)));
        Ok(match () {
            () if ctx.is(at, "FROMMEMBER") && following >= 1 && !self.from_place => {
                self.from_member = true;
                if let Some(set) = set {
                    self.middle = Some(member_place(ctx, set, at + 1)?);
                }
                Some(2)
            }
            () if ctx.is(at, "FROMLONLAT") && following >= 2 && !self.from_member => {
                self.from_place = true;
                self.middle = Some(place(ctx, at + 1)?);
                Some(3)
            }
            () if ctx.is(at, "BYRADIUS") && following >= 2 && !is_box => {
                self.shape = Some(circle(ctx, at + 1)?);
                Some(3)
            }
            () if ctx.is(at, "BYBOX") && following >= 3 && !is_circle => {
                self.shape = Some(rectangle(ctx, at + 1)?);
                Some(4)
            }
            () => None,
        })
    }
}

fn member_place(ctx: &Ctx<'_>, set: &SortedSet, at: usize) -> Result<Place, Error> {
    place_of(set, ctx.args.get(at)).ok_or(Error::new("ERR could not decode requested zset member"))
}

/// The number at an argument.
fn number(ctx: &Ctx<'_>, at: usize, not_a_number: &'static str) -> Result<f64, Error> {
    parse_f64(ctx.args.get(at)).ok_or(Error::new(not_a_number))
}

/// Radius and unit.
fn circle(ctx: &Ctx<'_>, at: usize) -> Result<(Shape, f64), Error> {
    let radius = number(ctx, at, "ERR need numeric radius")?;
    if radius < 0.0 {
        return Err(Error::new("ERR radius cannot be negative"));
    }
    Ok((Shape::Circle { radius }, unit_meters(ctx, at + 1)?))
}

/// Width, height and unit.
fn rectangle(ctx: &Ctx<'_>, at: usize) -> Result<(Shape, f64), Error> {
    let width = number(ctx, at, "ERR need numeric width")?;
    let height = number(ctx, at + 1, "ERR need numeric height")?;
    if height < 0.0 || width < 0.0 {
        return Err(Error::new("ERR height or width cannot be negative"));
    }
    Ok((Shape::Box { width, height }, unit_meters(ctx, at + 2)?))
}
